// Package convert reads the objectives of other systems, Sloth's and Pyrra's,
// as OpenSLO v1 documents.
package convert
