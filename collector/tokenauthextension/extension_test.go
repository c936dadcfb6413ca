package tokenauthextension_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector/tokenauthextension"
)

func create(t *testing.T, file string, logger *zap.Logger) (extension.Extension, error) {
	t.Helper()
	set := extensiontest.NewNopSettings(component.MustNewType(tokenauthextension.TypeName))
	set.Logger = logger
	return tokenauthextension.NewFactory().Create(t.Context(), set, &tokenauthextension.Config{File: file})
}

func accepts(t *testing.T, e extension.Extension, header, value string) bool {
	t.Helper()
	_, err := e.(extensionauth.Server).Authenticate(t.Context(), map[string][]string{header: {value}})
	if err != nil {
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		require.NotContains(t, err.Error(), "token-of")
	}
	return err == nil
}

func TestOnlyATokenOfTheFileIsAccepted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("token-of-a\ntoken-of-b\n"), 0o600))
	e, err := create(t, file, zap.NewNop())
	require.NoError(t, err)
	require.True(t, accepts(t, e, "authorization", "Bearer token-of-a"))
	require.True(t, accepts(t, e, "Authorization", "BEARER token-of-b"))
	require.False(t, accepts(t, e, "authorization", "Bearer token-of-c"))
	require.False(t, accepts(t, e, "authorization", "token-of-a"))
	require.False(t, accepts(t, e, "authorization", "Bearer "))
	require.False(t, accepts(t, e, "x-token", "Bearer token-of-a"))
}

func TestAChangeOfTheFileIsInForceAtTheNextRequest(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.InfoLevel)
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("token-of-a\n"), 0o600))
	e, err := create(t, file, zap.New(core))
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(file, []byte("token-of-b\ntoken-of-c\n"), 0o600))
	require.False(t, accepts(t, e, "authorization", "Bearer token-of-a"))
	require.True(t, accepts(t, e, "authorization", "Bearer token-of-b"))

	require.NoError(t, os.WriteFile(file, []byte("token of nobody\n"), 0o600))
	require.True(t, accepts(t, e, "authorization", "Bearer token-of-b"), "a file that cannot be used changes nothing")
	require.NoError(t, os.Remove(file))
	require.True(t, accepts(t, e, "authorization", "Bearer token-of-c"), "a file that is gone changes nothing")
	require.False(t, accepts(t, e, "authorization", "Bearer token-of-a"))

	require.Equal(t, 3, lines.Len(), "each change is one line: %v", lines.All())
	for _, line := range lines.All() {
		require.NotContains(t, line.Message, "token-of")
	}
}

func TestAFileThatCannotBeUsedIsRefusedByName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ content, says string }{
		"no token":             {"\n", "holds no token"},
		"a token with a space": {"a b\n", "line 1"},
		"the wrong file":       {strings.Repeat("a\n", 1<<20), "larger than 1 MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "tokens")
			require.NoError(t, os.WriteFile(file, []byte(test.content), 0o600))
			err := (&tokenauthextension.Config{File: file}).Validate()
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, file)
			_, err = create(t, file, zap.NewNop())
			require.ErrorContains(t, err, test.says)
		})
	}
	missing := filepath.Join(t.TempDir(), "tokens")
	require.ErrorIs(t, (&tokenauthextension.Config{File: missing}).Validate(), os.ErrNotExist)
	_, err := create(t, missing, zap.NewNop())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, (&tokenauthextension.Config{}).Validate(), "file is required")
}
