package cmd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// burst runs one command many times at once; all have to end well with the
// same output: burst 50 rely tokens
func burst(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	outputs := make([]bytes.Buffer, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() {
			c := command(ts, args[1:]...)
			var stderr bytes.Buffer
			c.Stdout, c.Stderr = &outputs[k], &stderr
			if err := c.Run(); err != nil {
				errs[k] = fmt.Errorf("%w\n%s", err, stderr.String())
			}
		})
	}
	all.Wait()
	for k := range n {
		ts.Check(errs[k])
		if !bytes.Equal(outputs[k].Bytes(), outputs[0].Bytes()) {
			ts.Fatalf("two answers: %q and %q", outputs[0].Bytes(), outputs[k].Bytes())
		}
	}
}

// command is one of the script's own programs, in the script's environment.
func command(ts *testscript.TestScript, args ...string) *exec.Cmd {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, args[0]+ts.Getenv("exe"))
		if _, err := os.Stat(path); err != nil {
			continue
		}
		c := exec.Command(path, args[1:]...)
		c.Dir = ts.Getenv("WORK")
		for _, name := range []string{"PATH", "HOME", "RELY_HOME", "GORACE", "SYSTEMROOT", "TMPDIR"} {
			c.Env = append(c.Env, name+"="+ts.Getenv(name))
		}
		return c
	}
	ts.Fatalf("no program %s", args[0])
	return nil
}
