package static_test

import (
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
		"css/tokens.css": "text/css; charset=utf-8", "js/refresh.js": "text/javascript; charset=utf-8", "img/icon.svg": "image/svg+xml",
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
