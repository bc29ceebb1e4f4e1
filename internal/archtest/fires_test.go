package archtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRulesFire breaks each rule in a small tree of its own, and shows what
// must not set one off.
func TestRulesFire(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("//\n", n) }
	cases := map[string]struct {
		rule  string
		files map[string]string
		want  string // the only finding; empty for none
	}{
		"a package without a level": {"every package has its place",
			map[string]string{"internal/util/util.go": "// Package util helps.\npackage util\n"},
			"internal/util/util.go: package internal/util has no level: give it one in internal/archtest (levels) and in docs/architecture.md"},
		"a package of tests only needs no level": {"every package has its place",
			map[string]string{"internal/util/util_test.go": "package util\n"}, ""},
		"an import that points up": {"imports point down",
			source("store", `import _ "rely/internal/app"`),
			"internal/store/x.go:5: store (level 3) imports app (level 5): an import points to a lower level; move the shared noun down"},
		"an import that points sideways": {"imports point down",
			source("provider", `import _ "rely/internal/store"`),
			"internal/provider/x.go:5: provider (level 3) imports store (level 3): an import points to a lower level; move the shared noun down"},
		"an import of something outside the picture": {"imports point down",
			source("store", `import _ "rely/bench"`),
			"internal/store/x.go:5: store imports bench, which the picture does not show"},
		"the provider borrows from the client": {"imports point down",
			source("demoop", `import _ "rely/internal/jose"`),
			"internal/demoop/x.go:5: demoop imports jose: the provider shares fault and secret with the client and nothing else"},
		"a sub-package and its parent are one": {"imports point down",
			source("demoop/page", `import _ "rely/internal/demoop"`), ""},
		"a test may look up": {"imports point down",
			map[string]string{"internal/store/x_test.go": "package store\n\nimport _ \"rely/internal/app\"\n"}, ""},
		"a library without its owner": {"a library has its owner",
			source("store", `import _ "github.com/lestrrat-go/jwx/v2/jwt"`),
			"internal/store/x.go:5: store imports github.com/lestrrat-go/jwx/v2/jwt, which belongs to jose and demoop: its faults are closed in one package for each side"},
		"a template": {"a library has its owner",
			source("demoop/page", `import _ "html/template"`),
			"internal/demoop/page/x.go:5: demoop imports html/template, which belongs to nobody: templates switch off the linker's dead-code removal: +2.4 MB"},
		"a library with its owner": {"a library has its owner",
			source("jose", `import _ "github.com/lestrrat-go/jwx/v2/jwk"`), ""},
		"the environment is read": {"the process is asked in one place",
			source("store", "import \"os\"\n\nfunc home() string { return os.Getenv(\"HOME\") }"),
			"internal/store/x.go:7: store uses os.Getenv, which belongs to app: take it as an argument"},
		"the clock is read under another name": {"the process is asked in one place",
			source("jose", "import clock \"time\"\n\nfunc now() any { return clock.Now }"),
			"internal/jose/x.go:7: jose uses time.Now, which belongs to app: take it as an argument"},
		"the process is ended": {"the process is asked in one place",
			source("app", "import \"os\"\n\nfunc end() { os.Exit(1) }"),
			"internal/app/x.go:7: app uses os.Exit, which belongs to main: take it as an argument"},
		"a shared HTTP client": {"the process is asked in one place",
			source("flows", "import \"net/http\"\n\nfunc get() { http.Get(\"\") }"),
			"internal/flows/x.go:7: flows uses net/http.Get, which belongs to nobody: take it as an argument"},
		"app asks the process": {"the process is asked in one place",
			source("app", "import \"os\"\n\nfunc home() string { return os.Getenv(\"HOME\") }"), ""},
		"a variable that shares a package's name": {"the process is asked in one place",
			source("store", "import \"os\"\n\nvar _ = os.Open\n\nfunc f(os struct{ Stdin int }) int { return os.Stdin }"), ""},
		"an init function": {"nothing runs before main",
			source("store", "func init() {}"),
			"internal/store/x.go:5: an init function: do it when it is needed, from a function with a name"},
		"a table in a variable": {"no package variable changes",
			source("store", "var stores = map[string]int{}"),
			"internal/store/x.go:5: package variable stores: pass it, return it from a function, or make it a constant"},
		"a variable without a value": {"no package variable changes",
			source("store", "var count int"),
			"internal/store/x.go:5: package variable count: pass it, return it from a function, or make it a constant"},
		"errors, assertions and embedded files": {"no package variable changes",
			source("store", "import (\n\t_ \"embed\"\n\t\"errors\"\n)\n\nvar errGone = errors.New(\"gone\")\n\nvar _ error = errGone\n\n//go:embed x.txt\nvar words string"), ""},
		"a long file": {"nothing grows past its ceiling",
			source("store", long(397)),
			"internal/store/x.go: 401 lines, the ceiling for a file is 400: split it"},
		"a long test file is a question for the reviewer": {"nothing grows past its ceiling",
			map[string]string{"internal/store/x_test.go": "package store\n" + long(500)}, ""},
		"a long function": {"nothing grows past its ceiling",
			source("store", "func f() {\n"+long(59)+"}"),
			"internal/store/x.go:5: f has 61 lines, the ceiling for a function is 60: split it"},
		"a long package": {"nothing grows past its ceiling", crowd(7, 300),
			"internal/store: 2112 lines, the ceiling for a package is 2000: split it"},
		"no package comment": {"one package comment each",
			map[string]string{"internal/store/x.go": "package store\n"},
			"internal/store: no package comment: say what the package is for and what it refuses to do"},
		"two package comments": {"one package comment each",
			map[string]string{"internal/store/a.go": "// Package store keeps.\npackage store\n", "internal/store/b.go": "// Package store keeps.\npackage store\n"},
			"internal/store: more than one package comment: keep one of internal/store/a.go, internal/store/b.go"},
		"a package comment with another name": {"one package comment each",
			map[string]string{"internal/store/x.go": "// Store keeps.\npackage store\n"},
			`internal/store/x.go: the package comment starts with "Package store ..."`},
		"work left open": {"work left open names its issue",
			source("store", "// TODO: later"),
			"internal/store/x.go:5: TODO without an issue: write TODO(#NUMBER), or do it"},
		"work left open beside the house": {"work left open names its issue",
			map[string]string{"test/ops/x_test.go": "package ops\n\n// FIXME\n"},
			"test/ops/x_test.go:3: FIXME without an issue: write FIXME(#NUMBER), or do it"},
		"work left open with its issue": {"work left open names its issue",
			source("store", "// TODO(#7): later"), ""},
		"a quotation mark from a word processor": {"plain ASCII",
			map[string]string{"README.md": "# rely\n\nIt\u2019s here.\n"},
			`README.md:3: not plain ASCII: "\u2019s here.": write an escape`},
		"data for a test": {"plain ASCII",
			map[string]string{"cmd/testdata/script/x.txt": "\u2019\n"}, ""},
		"a test that sleeps": {"a test does not sleep",
			map[string]string{"internal/store/x_test.go": "package store\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"},
			"internal/store/x_test.go:5: a test sleeps: wait for what it waits for, or inject the clock"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := check(t, c.files)
			var want []string
			if c.want != "" {
				want = []string{c.rule + ": " + c.want}
			}
			if !slices.Equal(broken, want) {
				t.Errorf("got findings %q, want %q", broken, want)
			}
		})
	}
	for _, r := range rules() {
		fires := false
		for _, c := range cases {
			fires = fires || c.rule == r.name && c.want != ""
		}
		if !fires {
			t.Errorf("got no case that breaks the rule %q, want one", r.name)
		}
	}
}

// check runs every rule over a tree of files.
func check(t *testing.T, files map[string]string) []string {
	t.Helper()
	root := fstest.MapFS{}
	for name, data := range files {
		root[name] = &fstest.MapFile{Data: []byte(data)}
	}
	house, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rules() {
		for _, finding := range r.check(house) {
			out = append(out, r.name+": "+finding)
		}
	}
	return out
}

// source is a tree of one package with one file; body starts at line 5.
func source(name, body string) map[string]string {
	last := name[strings.LastIndex(name, "/")+1:]
	return map[string]string{
		"internal/" + name + "/x.go": fmt.Sprintf("// Package %s is\n// short.\npackage %s\n\n%s\n", last, last, strings.TrimRight(body, "\n")),
	}
}

// crowd is a package of n+1 files, all but one with some 300 lines.
func crowd(n, lines int) map[string]string {
	files := source("store", "")
	for i := range n {
		files[fmt.Sprintf("internal/store/f%d.go", i)] = "package store\n" + strings.Repeat("//\n", lines)
	}
	return files
}
