package deploy_test

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// compose is a compose file, as far as ours goes; other fields are refused.
type compose struct {
	Name     string                       `yaml:"name"`
	Services map[string]service           `yaml:"services"`
	Networks map[string]network           `yaml:"networks"`
	Volumes  map[string]struct{}          `yaml:"volumes"`
	Secrets  map[string]map[string]string `yaml:"secrets"`
}

type network struct {
	Internal bool `yaml:"internal"`
}

type service struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	User        string            `yaml:"user"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	ShmSize     string            `yaml:"shm_size"`
	Secrets     []string          `yaml:"secrets"`
	Networks    []string          `yaml:"networks"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	Restart         string   `yaml:"restart"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
}

func composed(t *testing.T) compose {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "compose/compose.yaml")))
	decoder.KnownFields(true)
	var c compose
	require.NoError(t, decoder.Decode(&c))
	require.Len(t, c.Services, 2)
	return c
}

func TestEveryContainerIsLockedUp(t *testing.T) {
	t.Parallel()
	c := composed(t)
	for name, s := range c.Services {
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.Equal(t, "unless-stopped", s.Restart, name)
		require.NotEmpty(t, s.StopGracePeriod, name)
		requirePinned(t, s.Image)
		for _, secret := range s.Secrets {
			require.Contains(t, c.Secrets, secret, name)
		}
		for _, one := range s.Networks {
			require.True(t, one == "default" || c.Networks[one].Internal, "%s: %s", name, one)
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			require.Contains(t, c.Volumes, source, name)
		}
		for _, value := range s.Environment {
			require.NotRegexp(t, `://[^/@]*:[^/@]*@`, value, "%s: a password in a URL", name)
		}
	}
	require.Regexp(t, `^[1-9]\d*:`, c.Services["postgres"].User, "not as root; the image of Slowburn says so itself")
	require.Empty(t, c.Services["postgres"].Ports)
	require.Equal(t, []string{"database"}, c.Services["postgres"].Networks, "only Slowburn reaches the database")
}

func TestOnlyTheHostReachesWhatIsInsecure(t *testing.T) {
	t.Parallel()
	s := composed(t).Services["slowburn"]
	require.Equal(t, "true", s.Environment["SLOWBURN_INSECURE"])
	exposed := strings.Fields(image(t)[1].only(t, "EXPOSE"))
	require.Len(t, s.Ports, len(exposed))
	for _, port := range s.Ports {
		require.Regexp(t, `^127\.0\.0\.1:\d+:\d+$`, port)
		require.Contains(t, exposed, port[strings.LastIndex(port, ":")+1:])
	}
}

func TestComposeBuildsTheImageAndWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	s := composed(t).Services["slowburn"]
	require.FileExists(t, filepath.Join("compose", s.Build.Context, s.Build.Dockerfile))
	require.Equal(t, "service_healthy", s.DependsOn["postgres"].Condition)
	require.Equal(t, "CMD", composed(t).Services["postgres"].Healthcheck.Test[0])
}

// TestTheDriverFindsThePassword runs the script that makes the secrets, and
// reads the address of the database as Slowburn does.
func TestTheDriverFindsThePassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "secrets.sh")
	require.NoError(t, os.WriteFile(script, []byte(read(t, "compose/secrets.sh")), 0o700))
	for range 2 { // A second run keeps what the first has made.
		out, err := exec.CommandContext(t.Context(), "bash", script).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	c := composed(t)
	inContainer := func(secret string) (path, onHost string) {
		return "/run/secrets/" + secret, filepath.Join(dir, c.Secrets[secret]["file"])
	}
	path, onHost := inContainer("database_password")
	postgres := c.Services["postgres"]
	require.Equal(t, path, postgres.Environment["POSTGRES_PASSWORD_FILE"])
	password := read(t, onHost)
	require.Len(t, password, 48)

	path, onHost = inContainer("pgpass")
	address := c.Services["slowburn"].Environment["SLOWBURN_DATABASE_URL"]
	require.Contains(t, address, "passfile="+path)
	parsed, err := pgx.ParseConfig(strings.ReplaceAll(address, path, url.QueryEscape(onHost)))
	require.NoError(t, err)
	require.Equal(t, password, parsed.Password)
	require.Equal(t, "postgres:5432", net.JoinHostPort(parsed.Host, "5432"))
	require.Equal(t, postgres.Environment["POSTGRES_DB"], parsed.Database)
	require.Equal(t, postgres.Environment["POSTGRES_USER"], parsed.User)
	require.Contains(t, read(t, "compose/.gitignore"), "/secrets/", "they are never committed")
	require.Contains(t, read(t, "image/Dockerfile.dockerignore"), "deploy/compose/secrets", "nor copied into the build")
}
