package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// parentVariable makes the test program a parent of a server in the folder
// that it names, to be killed by a test.
const parentVariable = "SLOWBURN_POSTGRES_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		server, err := postgres.StartServer(context.Background(), postgres.ServerOptions{DataDir: dir})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(server.PID())
		select {}
	}
	goleak.VerifyTestMain(postgrestest.WithServer(m))
}
