// Package buildinfo says which build of Slowburn is running.
package buildinfo

import "runtime/debug"

// Version is the module's version, or "devel" with the revision the binary was
// built from where the tool chain recorded it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "devel-" + setting.Value[:12]
		}
	}
	return "devel"
}
