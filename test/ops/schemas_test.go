package ops

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func lint(file string) ([]byte, error) {
	return exec.Command("xmllint", "--noout", "--nonet", "--schema", filepath.Join("..", "..", "cmd", "testdata", "schema", "junit-10.xsd"), file).CombinedOutput()
}

// TestJUnitFitsItsSchema holds the reports for CI against the schema by which
// Jenkins takes them, with an XML library that is not ours.
func TestJUnitFitsItsSchema(t *testing.T) {
	need(t, "xmllint")
	t.Parallel()
	p, err := steady()
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	lines := h.file("issuers", p.issuer+"\nhttp://127.0.0.1:1")
	for what, c := range map[string]struct {
		code int
		args []string
	}{
		"doctor":              {0, []string{"doctor", p.issuer, "-o", "junit"}},
		"doctor that fails":   {8, []string{"doctor", p.issuer, "-o", "junit", "--fail-on", "info"}},
		"doctor of many":      {7, []string{"doctor", "--from", lines, "-o", "junit"}},
		"smoke":               {0, []string{"smoke", p.issuer, "-o", "junit", "--username", "alice", "--password-file", h.file("password", password)}},
		"smoke with failures": {8, []string{"smoke", p.issuer, "-o", "junit", "--username", "alice", "--password-file", h.file("wrong", "not-"+password)}},
	} {
		r := h.exits(c.code, append(c.args, "--ca-cert", p.ca)...)
		file := h.file("report.xml", r.stdout)
		if out, err := lint(file); err != nil {
			t.Errorf("%s: %v: %s\n%s", what, err, out, r.stdout)
		}
		if _, err := lint(h.file("wrong.xml", strings.ReplaceAll(r.stdout, "testcase", "case"))); err == nil {
			t.Errorf("%s: what is wrong fits the schema", what)
		}
	}
}
