package storetest

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rely/internal/secret"
	"rely/internal/store"
)

// The jobs that a helper process does.
const (
	jobCount = "count" // add to a number in the session, under the lock
	jobWrite = "write" // write sessions until killed, one line for each
	rounds   = 25
)

// helper does the job that the command line asks for, if it asks for one.
func helper(t *testing.T, open Open) bool {
	args := flag.Args()
	if len(args) != 3 || args[0] != "storetest" {
		return false
	}
	openUmask()
	s := open(t, args[2])
	switch args[1] {
	case jobCount:
		for range rounds {
			count(t, s)
		}
	case jobWrite:
		for n := 0; ; n++ {
			if err := s.PutSession(t.Context(), "work", large(n)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("written", n)
		}
	}
	return true
}

// start starts the test that called Run or Crash, whose part runs now, again as
// a process that does the job.
func start(t *testing.T, job, dir string) (*exec.Cmd, io.Reader) {
	t.Helper()
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+part+"$")
	}
	pattern = pattern[:len(pattern)-1]
	self, err := filepath.Abs(flag.CommandLine.Name())
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, "-test.run="+strings.Join(pattern, "/"), "storetest", job, dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, out
}

func count(t *testing.T, s store.Store) {
	unlock, err := s.Lock(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	n := 0
	if old, err := s.Session(t.Context(), "work"); err == nil {
		if n, err = strconv.Atoi(old.Scope); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutSession(t.Context(), "work", &store.Session{Scope: strconv.Itoa(n + 1)}); err != nil {
		t.Fatal(err)
	}
}

func ownerOnly(t *testing.T, open Open) {
	dir := filepath.Join(t.TempDir(), "state")
	c, out := start(t, jobCount, dir)
	text, _ := io.ReadAll(out)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	checkModes(t, dir)
}

func together(t *testing.T, open Open) {
	dir := filepath.Join(t.TempDir(), "state")
	const processes = 4
	var all [processes]*exec.Cmd
	var outs [processes]io.Reader
	for i := range all {
		all[i], outs[i] = start(t, jobCount, dir)
	}
	for i, c := range all {
		text, _ := io.ReadAll(outs[i])
		if err := c.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	s, err := open(t, dir).Session(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(processes * rounds); s.Scope != want {
		t.Errorf("got %s updates kept, want %s", s.Scope, want)
	}
}

// large is a session that takes several pages, all of whose parts tell n.
func large(n int) *store.Session {
	text := strings.Repeat(strconv.Itoa(n)+" ", 4000)
	return &store.Session{Scope: strconv.Itoa(n), Access: secret.New(text), Refresh: secret.New(text), ID: secret.New(text)}
}

func crash(t *testing.T, open Open, rounds int) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, dir)
	if err := s.PutSession(t.Context(), "work", large(0)); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		c, out := start(t, jobWrite, dir)
		last := -1
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, ok := strings.CutPrefix(lines.Text(), "written ")
			if !ok {
				t.Fatalf("got %q of the helper", lines.Text())
			}
			last, _ = strconv.Atoi(n)
			if last == round%7 {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = c.Wait()
		if last < 0 {
			t.Fatal("the helper wrote nothing")
		}
		got, err := s.Session(t.Context(), "work")
		if err != nil {
			t.Fatalf("after %d writes: %v", last+1, err)
		}
		n, err := strconv.Atoi(got.Scope)
		if err != nil || n < last || got.Access.Reveal() != large(n).Access.Reveal() || got.ID.Reveal() != got.Access.Reveal() {
			t.Fatalf("got session %s after the word that %d was written, want it or a later one, whole", got.Scope, last)
		}
	}
}
