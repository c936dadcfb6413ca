// Package convert reads the objectives of other systems, Sloth's and Pyrra's,
// as OpenSLO v1 documents, and writes objectives as rules of Prometheus.
package convert
