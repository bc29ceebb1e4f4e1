package cmd

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rely/internal/app"
	"rely/internal/demoop"
)

// typist gives the app's terminal somebody who types what lines brings.
func typist(a *app.App) chan<- string {
	lines := make(chan string)
	a.Line = func(ctx context.Context) (string, error) {
		select {
		case l := <-lines:
			return l, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return lines
}

// However many processes want the same person's sign-in, one asks for it.
func TestOneSignInForOneProfile(t *testing.T) {
	t.Parallel()
	first, firstOut := pasteApp(t)
	op, err := (&invocation{App: first}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	args := []string{"login", op.issuer, "--client-id", "demo", "--browser", "none"}
	lines := typist(first)
	done, joined := make(chan int), make(chan int)
	go func() { done <- Main(first, args) }()
	address := firstOut.waitFor(t, op.issuer+"/authorize?")

	impatient, out := pasteApp(t)
	impatient.Dirs = first.Dirs
	if code := Main(impatient, append(args, "--login-timeout", "50ms")); code != 9 || !strings.Contains(out.String(), "did not finish it within 50ms") {
		t.Errorf("got exit code %d and %q, want 9 and the process that did not finish", code, out.String())
	}
	second, secondOut := pasteApp(t)
	second.Dirs = first.Dirs
	go func() { joined <- Main(second, args) }()
	secondOut.waitFor(t, "waits for a sign-in to profile")
	lines <- signInElsewhere(t, address)
	if code := <-done; code != 0 {
		t.Fatalf("got exit code %d\n%s", code, firstOut.String())
	}
	if code := <-joined; code != 0 || !strings.Contains(secondOut.String(), "by the other process") {
		t.Errorf("got exit code %d and %q, want 0 and the other's session", code, secondOut.String())
	}
	if strings.Contains(secondOut.String(), "/authorize?") {
		t.Errorf("got a second address to open:\n%s", secondOut.String())
	}
}

// A sign-in that asks for something else waits for its turn, and then asks.
func TestAnotherSignInWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	first, firstOut := pasteApp(t)
	op, err := (&invocation{App: first}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	args := []string{"login", op.issuer, "--client-id", "demo", "--browser", "none"}
	lines := typist(first)
	done := make(chan int)
	go func() { done <- Main(first, args) }()
	address := firstOut.waitFor(t, op.issuer+"/authorize?")
	second, out := pasteApp(t)
	second.Dirs = first.Dirs
	more := typist(second)
	go func() { done <- Main(second, append(args, "--scope", "openid email")) }()
	out.waitFor(t, "waits for a sign-in to profile")
	lines <- signInElsewhere(t, address)
	if code := <-done; code != 0 {
		t.Errorf("got exit code %d\n%s", code, firstOut.String())
	}
	more <- signInElsewhere(t, out.waitFor(t, op.issuer+"/authorize?"))
	if code := <-done; code != 0 || strings.Contains(out.String(), "by the other process") {
		t.Errorf("got exit code %d and %q, want 0 and a sign-in of its own", code, out.String())
	}
}

// A process that was killed blocks nobody: its lock went with it.
func TestKilledSignInBlocksNobody(t *testing.T) {
	t.Parallel()
	a, out := pasteApp(t)
	op, err := (&invocation{App: a}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	program, err := exec.LookPath("rely")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	a.Dirs = app.Dirs{Config: home, State: filepath.Join(home, "state"), Temp: t.TempDir()}
	args := []string{"login", op.issuer, "--client-id", "demo", "--browser", "none"}
	killed, seen := exec.CommandContext(t.Context(), program, args...), &screen{more: make(chan bool, 100)}
	killed.Env = append(os.Environ(), "RELY_HOME="+home, "HOME="+home, "RELY_STORE=file")
	killed.Stderr = seen
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	seen.waitFor(t, op.issuer+"/authorize?")
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	lines, done := typist(a), make(chan int)
	go func() { done <- Main(a, args) }()
	lines <- signInElsewhere(t, out.waitFor(t, op.issuer+"/authorize?"))
	if code := <-done; code != 0 || strings.Contains(out.String(), "waits for a sign-in") {
		t.Errorf("got exit code %d and %q, want 0 and nobody to wait for", code, out.String())
	}
}
