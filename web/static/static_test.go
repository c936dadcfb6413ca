package static_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web/static"
)

func TestAFileIsFoundUnderItsHashedName(t *testing.T) {
	t.Parallel()
	assets, err := static.New()
	require.NoError(t, err)
	for name, contentType := range map[string]string{
		"css/tokens.css": "text/css; charset=utf-8", "js/live.js": "text/javascript; charset=utf-8", "img/icon.svg": "image/svg+xml",
	} {
		address, err := assets.Path(name)
		require.NoError(t, err)
		require.Regexp(t, `^/static/[a-z]+/[a-z]+\.[0-9a-f]{10}\.[a-z]+$`, address)
		asset, found := assets.Find(strings.TrimPrefix(address, "/static/"))
		require.True(t, found)
		require.Equal(t, contentType, asset.ContentType)
		require.NotEmpty(t, asset.Content)
		_, found = assets.Find(name)
		require.False(t, found, "a name without a hash would be kept for ever")
	}
}

func TestAFileThatIsMissingIsAnError(t *testing.T) {
	t.Parallel()
	assets, err := static.New()
	require.NoError(t, err)
	_, err = assets.Path("css/missing.css")
	require.ErrorContains(t, err, "css/missing.css")
}

// TestThirdPartyFilesAreAsTheyWerePublished compares them with the hashes of
// their README.
func TestThirdPartyFilesAreAsTheyWerePublished(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("vendor/README.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([\\w.-]+)` .* `([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(readme), -1)
	files, err := filepath.Glob("vendor/*.[jc]s*")
	require.NoError(t, err)
	require.Len(t, rows, len(files), "every file has a row")
	for _, row := range rows {
		content, err := os.ReadFile(filepath.Join("vendor", row[1]))
		require.NoError(t, err)
		require.Equal(t, row[2], fmt.Sprintf("%x", sha256.Sum256(content)), row[1])
	}
}

// TestStyleSheetsAskNobodyElse looks for what the content security policy, and
// a machine without internet, would refuse.
func TestStyleSheetsAskNobodyElse(t *testing.T) {
	t.Parallel()
	assets, err := static.New()
	require.NoError(t, err)
	for _, name := range []string{"css/tokens.css", "css/base.css", "css/components.css"} {
		address, err := assets.Path(name)
		require.NoError(t, err)
		asset, _ := assets.Find(strings.TrimPrefix(address, "/static/"))
		require.NotContains(t, string(asset.Content), "url(")
		require.NotContains(t, string(asset.Content), "@import")
	}
}
