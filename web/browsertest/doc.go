// Package browsertest drives the real binary and the real demo in Chromium: run
// it with `make browser`.
package browsertest
