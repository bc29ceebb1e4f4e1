// Package ops tries the built program against providers, a browser and shells
// that we did not write. It holds tests only. They need npm, openssl, curl,
// jq, Chromium, certutil, Debian's packages and shells, and npm and apt-get
// fetch the providers, so they run only when they are asked for:
//
//	RELY_TEST_OPS=1 go test ./test/ops
//
// What is missing then skips the tests that need it; with RELY_OPS_REQUIRED=1,
// as in CI, it fails them.
package ops

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// program builds rely, once for all tests, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "rely")
	out, err := exec.Command("go", "build", "-trimpath", "-o", path, "rely").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// scratch is a folder for what all tests share: the program and the providers.
var scratch string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "person" {
		os.Exit(person(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "remember" {
		os.Exit(remember(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "leave" {
		os.Exit(leave(os.Args[2:]))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "rely-ops-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	defer stopAll()
	return m.Run()
}

// need skips a test that was not asked for, or whose tools are missing. A tool
// is one name or several, of which one will do, or the path of a file.
func need(t *testing.T, tools ...string) {
	t.Helper()
	if os.Getenv("RELY_TEST_OPS") != "1" {
		t.Skip("skipped: set RELY_TEST_OPS=1 to run the interoperability tests")
	}
	var missing []string
	for _, tool := range append(tools, "npm", "openssl", "curl") {
		if !slices.ContainsFunc(strings.Fields(tool), installed) {
			missing = append(missing, tool)
		}
	}
	switch {
	case missing == nil:
	case os.Getenv("RELY_OPS_REQUIRED") == "1":
		t.Fatalf("missing: %s: install it, this run may not go without", strings.Join(missing, ", "))
	default:
		t.Skipf("skipped: missing: %s", strings.Join(missing, ", "))
	}
}

func installed(tool string) bool {
	if filepath.IsAbs(tool) {
		_, err := os.Stat(tool)
		return err == nil
	}
	_, err := exec.LookPath(tool)
	return err == nil
}
