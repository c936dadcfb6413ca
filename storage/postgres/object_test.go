package postgres_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

func object(kind slo.Kind, name string, refs ...slo.ObjectRef) slo.Object {
	return slo.Object{
		ObjectRef: slo.ObjectRef{Kind: kind, Name: name}, Document: []byte("kind: " + string(kind) + "\x00\xff"),
		References: refs, Origin: "slos/objects.yaml",
	}
}

// liveObjects lists the objects in force as "SLI fast@1".
func liveObjects(t *testing.T, store *postgres.Store) []string {
	t.Helper()
	live, err := store.Objects(t.Context())
	require.NoError(t, err)
	list := []string{}
	for _, o := range live {
		list = append(list, fmt.Sprintf("%s@%d", o, o.Revision))
	}
	return list
}

func TestObjectsComeBackAsTheyWentIn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	sli := object(slo.KindSLI, "fast", slo.ObjectRef{Kind: slo.KindDataSource, Name: "d"})
	bare := slo.Object{ObjectRef: slo.ObjectRef{Kind: slo.KindDataSource, Name: "d"}, Document: []byte{}}
	at := noon.Add(987654321)
	saved, err := store.SaveDefinitions(t.Context(), slo.Change{Objects: []slo.Object{sli, bare}}, at)
	require.NoError(t, err)
	sli.Revision, sli.AppliedAt, bare.Revision, bare.AppliedAt = 1, at, 1, at
	require.Equal(t, []slo.Object{sli, bare}, saved.Objects)
	read, err := store.Objects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []slo.Object{bare, sli}, read)
}

func TestAChangeOfEverythingIsOne(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	named := func(name string) slo.Definition { return slo.Definition{SLO: slo.SLO{Name: name}} }
	fast, page := slo.ObjectRef{Kind: slo.KindSLI, Name: "fast"}, slo.ObjectRef{Kind: slo.KindAlertPolicy, Name: "fast"}
	for _, step := range []struct {
		what    string
		change  slo.Change
		objects []string
		slos    int
	}{
		{
			"equal names of three kinds are new",
			slo.Change{Definitions: []slo.Definition{named("fast")}, Objects: []slo.Object{object(fast.Kind, "fast"), object(page.Kind, "fast")}},
			[]string{"AlertPolicy fast@1", "SLI fast@1"},
			1,
		},
		{
			"one is changed, one goes",
			slo.Change{Objects: []slo.Object{object(fast.Kind, "fast")}, Archive: []slo.ObjectRef{page, {Kind: slo.KindService, Name: "never"}}},
			[]string{"SLI fast@2"},
			1,
		},
		{
			"the SLO goes, and the policy comes back",
			slo.Change{Objects: []slo.Object{object(page.Kind, "fast")}, Archive: slos("fast")},
			[]string{"AlertPolicy fast@2", "SLI fast@2"},
			0,
		},
	} {
		_, err := store.SaveDefinitions(t.Context(), step.change, noon)
		require.NoError(t, err, step.what)
		require.Equal(t, step.objects, liveObjects(t, store), step.what)
		live, err := store.Definitions(t.Context())
		require.NoError(t, err)
		require.Len(t, live, step.slos, step.what)
	}
	for name, change := range map[string]slo.Change{
		"an SLO that cannot be saved":     {Objects: []slo.Object{object(fast.Kind, "fast")}, Definitions: []slo.Definition{named("not \x00 text")}},
		"an object that cannot be saved":  {Definitions: []slo.Definition{named("fine")}, Objects: []slo.Object{object(fast.Kind, "not \x00 text")}},
		"one of them that ends with that": {Archive: []slo.ObjectRef{fast}, Definitions: []slo.Definition{named("not \x00 text")}},
	} {
		_, err := store.SaveDefinitions(t.Context(), change, noon)
		require.Error(t, err, name)
		require.Equal(t, []string{"AlertPolicy fast@2", "SLI fast@2"}, liveObjects(t, store), "all or nothing")
	}
	live, err := store.Definitions(t.Context())
	require.NoError(t, err)
	require.Empty(t, live)
}

func TestManyAreSavedInTheirOrder(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	var change slo.Change
	for i := range 1_203 {
		change.Definitions = append(change.Definitions, slo.Definition{SLO: slo.SLO{Name: fmt.Sprint("s", i)}, Document: []byte{}})
		change.Objects = append(change.Objects, object(slo.KindSLI, fmt.Sprint("i", i)))
	}
	for revision := 1; revision < 3; revision++ {
		saved, err := store.SaveDefinitions(t.Context(), change, noon)
		require.NoError(t, err)
		for i := range change.Definitions {
			require.Equal(t, fmt.Sprint("s", i), saved.Definitions[i].SLO.Name)
			require.Equal(t, revision, saved.Definitions[i].Revision)
			require.Equal(t, revision, saved.Objects[i].Revision)
		}
	}
	require.Zero(t, change.Objects[0].Revision, "what was given stays as it was")
	require.Len(t, liveObjects(t, store), 1_203)
}
