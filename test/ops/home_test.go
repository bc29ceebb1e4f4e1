package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A home is one person's rely: its folder, and everything it has said. When the
// test ends, no secret may stand in what it said without being asked.
type home struct {
	t       *testing.T
	program string
	dir     string
	env     []string

	mu      sync.Mutex
	said    []result
	secrets []string
}

// A result is how one run of rely ended.
type result struct {
	args           []string
	code           int
	stdout, stderr string
}

func newHome(t *testing.T) *home {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &home{t: t, program: path, dir: dir, secrets: []string{password}}
	// Nothing of the person who runs the tests: no keyring, proxy or profile.
	h.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "RELY_HOME=" + filepath.Join(dir, "rely"), "TMPDIR=" + t.TempDir()}
	t.Cleanup(h.tellTale)
	return h
}

// file keeps text in a file of the home, as a person keeps a password.
func (h *home) file(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// authority is the certificate of the home's https listener, once it has one.
func (h *home) authority() string {
	return filepath.Join(h.dir, "rely", "state", "authority", "authority.pem")
}

// secret adds to what may not be said, and returns it.
func (h *home) secret(s string) string {
	h.t.Helper()
	if len(s) < 8 {
		h.t.Fatalf("got %q, want something long enough to be a secret", s)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, s)
	return s
}

// command is rely with args, not started yet.
func (h *home) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Env, cmd.Dir = slices.Clone(h.env), h.dir
	return cmd
}

// try runs rely to its end, whatever that is.
func (h *home) try(args ...string) result {
	ctx, stop := context.WithTimeout(h.t.Context(), 5*time.Minute)
	defer stop()
	cmd := h.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return h.ended(args, err, stdout.String(), stderr.String())
}

// ended notes how a run ended.
func (h *home) ended(args []string, err error, stdout, stderr string) result {
	r := result{args: args, stdout: stdout, stderr: stderr}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		r.code = exit.ExitCode()
	} else if err != nil {
		r.code = -1
		r.stderr += "\n(" + err.Error() + ")"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, r)
	return r
}

// exits runs rely and fails the test unless it ends with the exit code.
func (h *home) exits(code int, args ...string) result {
	h.t.Helper()
	r := h.try(args...)
	if r.code != code {
		h.t.Fatalf("rely %s: got exit code %d, want %d\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stderr)
	}
	return r
}

// silent runs rely, which must succeed and have no result to print.
func (h *home) silent(args ...string) result {
	h.t.Helper()
	r := h.exits(0, args...)
	if r.stdout != "" {
		h.t.Errorf("rely %s: got %q on stdout, want nothing", args[0], r.stdout)
	}
	return r
}

// line runs rely, which must print one line and nothing else on stdout.
func (h *home) line(args ...string) string {
	h.t.Helper()
	r := h.exits(0, args...)
	s, ok := strings.CutSuffix(r.stdout, "\n")
	if !ok || s == "" || strings.ContainsAny(s, " \n") {
		h.t.Fatalf("rely %s: got %q on stdout, want one word on one line", strings.Join(args, " "), r.stdout)
	}
	return s
}

// result runs rely with -o json and unpacks the result of the schema.
func (h *home) result(schema string, into any, args ...string) {
	h.t.Helper()
	r := h.exits(0, append(args, "-o", "json")...)
	envelope := struct {
		Schema string
		Result any
	}{Result: into}
	if err := json.Unmarshal([]byte(r.stdout), &envelope); err != nil || envelope.Schema != schema {
		h.t.Fatalf("rely %s -o json: got %q (%v), want a %s", strings.Join(args, " "), r.stdout, err, schema)
	}
}

// tellTale looks for secrets in everything that was said. Only the stdout of
// "rely tokens" was asked for one.
func (h *home) tellTale() {
	h.t.Helper()
	for _, r := range h.said {
		text := r.stderr
		if r.args[0] != "tokens" {
			text += r.stdout
		}
		for _, s := range h.secrets {
			if strings.Contains(text, s) {
				h.t.Errorf("rely %s: the output holds a secret (%.4s...):\n%s", strings.Join(r.args, " "), s, text)
			}
		}
	}
}
