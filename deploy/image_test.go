package deploy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// instruction is one instruction of a Dockerfile.
type instruction struct{ name, rest string }

// stage is one image of a Dockerfile, from its FROM on.
type stage struct {
	base         string
	instructions []instruction
}

// parseDockerfile reads instructions that may span lines, as docker build does:
// comments are dropped, also between the lines of one instruction.
func parseDockerfile(text string) []instruction {
	var all []instruction
	var open string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part, more := strings.CutSuffix(line, `\`)
		if open += part; more {
			continue
		}
		name, rest, _ := strings.Cut(open, " ")
		all = append(all, instruction{strings.ToUpper(name), strings.TrimSpace(rest)})
		open = ""
	}
	return all
}

// stages divides the instructions at FROM.
func stages(all []instruction) []stage {
	var list []stage
	for _, i := range all {
		if i.name == "FROM" {
			base, _, _ := strings.Cut(i.rest, " ")
			list = append(list, stage{base: base})
		} else if len(list) > 0 {
			last := &list[len(list)-1]
			last.instructions = append(last.instructions, i)
		}
	}
	return list
}

// all are what stands behind each instruction of a name.
func (s stage) all(name string) []string {
	var found []string
	for _, i := range s.instructions {
		if i.name == name {
			found = append(found, i.rest)
		}
	}
	return found
}

// only is what stands behind the one instruction of a name.
func (s stage) only(t *testing.T, name string) string {
	t.Helper()
	found := s.all(name)
	require.Len(t, found, 1, name)
	return found[0]
}

func image(t *testing.T) []stage {
	t.Helper()
	list := stages(parseDockerfile(read(t, "image/Dockerfile")))
	require.Len(t, list, 2, "one stage builds, the other is the image")
	return list
}

func TestTheImageIsBuiltAsWeBuildBinaries(t *testing.T) {
	t.Parallel()
	build := image(t)[0]
	requirePinned(t, build.base)
	version := strings.TrimPrefix(strings.SplitN(build.base, "-", 2)[0], "golang:")
	require.Contains(t, read(t, "../go.mod"), "\ngo "+version, "the image builds with the Go of go.mod")

	commands := strings.Join(build.all("RUN"), "\n")
	script := read(t, "dev/build.sh")
	for _, part := range []string{"CGO_ENABLED=0 go build", "-trimpath", `-ldflags="-s -w"`, "./cmd/slowburn"} {
		require.Contains(t, commands, part)
		require.Contains(t, strings.ReplaceAll(script, "build -v", "build"), part, "make build does the same")
	}
	require.Contains(t, commands, "-tags=remove_all_sd,grpcnotrace")
	require.Contains(t, read(t, "../Makefile"), "TAGS := remove_all_sd,grpcnotrace\n")
	require.Empty(t, build.all("ADD"), "ADD fetches and unpacks; COPY does neither")
	require.NotContains(t, commands, "http", "nothing is fetched past the module proxy")
}

func TestTheImageHasNothingButSlowburn(t *testing.T) {
	t.Parallel()
	final := image(t)[1]
	require.Equal(t, "scratch", final.base)
	require.Empty(t, final.all("RUN"))
	require.Empty(t, final.all("ADD"))
	for _, source := range final.all("COPY") {
		require.Contains(t, source, "--from=build", "nothing of the machine that builds")
	}
	user := final.only(t, "USER")
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, user, "a number that is not root's, so that a cluster can check it")
	require.Contains(t, final.all("COPY"), "--from=build --chown="+user+" /data /data", "the user owns the volume")
	require.Equal(t, "/data", final.only(t, "VOLUME"))
	require.Equal(t, "SIGTERM", final.only(t, "STOPSIGNAL"))
	require.Equal(t, `["/slowburn"]`, final.only(t, "ENTRYPOINT"))
	require.Equal(t, `["serve"]`, final.only(t, "CMD"))
	require.Contains(t, final.only(t, "LABEL"), "org.opencontainers.image.licenses=\"Apache-2.0\"")
}

// environment are the variables that the image sets.
func (s stage) environment(t *testing.T) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for pair := range strings.FieldsSeq(s.only(t, "ENV")) {
		name, value, _ := strings.Cut(pair, "=")
		variables[name] = value
	}
	return variables
}

func TestTheImageListensOnWhatItExposes(t *testing.T) {
	t.Parallel()
	final := image(t)[1]
	env := final.environment(t)
	require.Equal(t, []string{env["SLOWBURN_HTTP"], env["SLOWBURN_OTLP_GRPC"], env["SLOWBURN_OTLP_HTTP"]},
		strings.Split(":"+strings.Join(strings.Fields(final.only(t, "EXPOSE")), " :"), " "))
	require.NotContains(t, env, "SLOWBURN_INSECURE", "an open image must be asked for")
}
