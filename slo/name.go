package slo

import (
	"strings"
	"unicode/utf8"
)

const (
	// MaxNameBytes is where a name from the telemetry is cut.
	MaxNameBytes = 255
	// UnnamedService stands for a resource without service.name, as the SDKs
	// have it.
	UnnamedService = "unknown_service"
	// OtherNames stands for the names beyond a bound: every client may invent
	// more.
	OtherNames = "(other)"
)

// CleanName makes a name from the telemetry one that a database takes and a
// page can show: valid UTF-8, without NUL (which PostgreSQL's text refuses), at
// most 255 bytes. It is a copy: a name that is kept must not keep the text of 20
// MiB that it may be a part of.
func CleanName(name string) string {
	const replacement = string(utf8.RuneError)
	name = strings.ReplaceAll(strings.ToValidUTF8(name, replacement), "\x00", replacement)
	if len(name) <= MaxNameBytes {
		return strings.Clone(name)
	}
	cut := MaxNameBytes
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.Clone(name[:cut])
}

// CleanService is CleanName of a service, whose name may be missing.
func CleanService(name string) string {
	if name == "" {
		return UnnamedService
	}
	return CleanName(name)
}
