package postgres

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

// Migrations are the files of the migrations.
func Migrations(t *testing.T) fs.FS {
	t.Helper()
	files, err := fs.Sub(migrationFiles, "migrations")
	require.NoError(t, err)
	return files
}

// RaiseEpoch takes the lead without the lock that says whether another has it.
func (s *Store) RaiseEpoch(t *testing.T) int64 {
	t.Helper()
	epoch, err := s.raiseEpoch(t.Context(), s.pool)
	require.NoError(t, err)
	return epoch
}

// EncodeSLO writes an SLO as the column spec holds it.
func EncodeSLO(s slo.SLO) ([]byte, error) { return encodeSLO(s) }

// DecodeSLO is the opposite of EncodeSLO.
func DecodeSLO(spec []byte) (slo.SLO, error) { return decodeSLO(spec) }
