// Package static holds the style sheets, scripts and icons of the pages. They
// come from the binary, under names with a hash of their content, so that a
// browser may keep them for ever.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed css js img vendor/*.js vendor/*.css
var files embed.FS

// prefix is where the files are served.
const prefix = "/static/"

// Asset is one file.
type Asset struct {
	ContentType string
	Content     []byte
}

// Assets knows every file by its hashed name, "css/base.1f0c2ab34d.css".
type Assets struct {
	paths  map[string]string
	assets map[string]Asset
}

// New reads and hashes the embedded files.
func New() (*Assets, error) {
	a := &Assets{paths: map[string]string{}, assets: map[string]Asset{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return a.add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the static files: %w", err)
	}
	return a, nil
}

func (a *Assets) add(name string) error {
	content, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	extension := path.Ext(name)
	contentType, known := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}[extension]
	if !known {
		return fmt.Errorf("%s: the content type of %q is not known", name, extension)
	}
	sum := sha256.Sum256(content)
	hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:5]) + extension
	a.paths[name] = prefix + hashed
	a.assets[hashed] = Asset{ContentType: contentType, Content: content}
	return nil
}

// Path is the address of a file: "css/base.css" has
// "/static/css/base.1f0c2ab34d.css". A name that does not exist is an error.
func (a *Assets) Path(name string) (string, error) {
	address, found := a.paths[name]
	if !found {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	return address, nil
}

// Find returns the file of a hashed name, as in "css/base.1f0c2ab34d.css".
func (a *Assets) Find(hashed string) (Asset, bool) {
	asset, found := a.assets[hashed]
	return asset, found
}
