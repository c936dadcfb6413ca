package postgres

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

// Migrations are the files of the migrations.
func Migrations(t *testing.T) fs.FS {
	t.Helper()
	files, err := fs.Sub(migrationFiles, "migrations")
	require.NoError(t, err)
	return files
}

// Holder is how the leadership names the store.
func (s *Store) Holder() string { return s.holder }
