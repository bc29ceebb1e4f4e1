package cmd

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"rely/internal/app"
	"rely/internal/clientauth"
	"rely/internal/demoop"
	"rely/internal/doctor"
	"rely/internal/flows"
	"rely/internal/output"
	"rely/internal/passwd"
	"rely/internal/preset"
	"rely/internal/registration"
	"rely/internal/store"
	"rely/internal/useragent"
)

// The documents are read from the root of the repository.
const (
	docRoot      = ".." // the repository, seen from this package
	referenceDir = "docs/reference"
	startMatrix  = "<!-- generated:matrix -->\n"
	endMatrix    = "<!-- /generated -->\n"
)

// docPages are README.md and every page below docs, by their path from the
// root, with slashes.
func docPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{"README.md": docText(t, "README.md")}
	err := fs.WalkDir(os.DirFS(docRoot), "docs", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".md" {
			pages[name] = docText(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// docText is a file as it would lie on a system without carriage returns.
func docText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(docRoot, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

func docWrite(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(docRoot, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func docCommands() *cobra.Command { return newRoot(&invocation{App: app.System()}, nil) }

// TestDocsLinks follows every relative link to its file and heading.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	pages := docPages(t)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(docRoot, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
			} else if anchor != "" && !slices.Contains(docHeadings(pages[target]), anchor) {
				t.Errorf("%s: %s has no heading %s", name, target, anchor)
			}
		}
	}
}

// docHeadings are a page's headings as links name them.
func docHeadings(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") {
			out = append(out, strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-', r == '_', r >= 'a' && r <= 'z', r >= '0' && r <= '9':
					return r
				}
				return -1
			}, strings.ToLower(strings.TrimSpace(title))))
		}
	}
	return out
}

// TestDocsShape keeps pages short and plain, and their promises of files true.
func TestDocsShape(t *testing.T) {
	t.Parallel()
	pages := docPages(t)
	inTree := regexp.MustCompile("`((?:cmd|internal|docs|test|bench|tools)/[a-z0-9_./-]+)`")
	for name, text := range pages {
		most := map[bool]int{name == "README.md": 200, strings.HasPrefix(name, "docs/cookbook/"): 40}[true]
		if n := strings.Count(text, "\n"); most > 0 && n > most {
			t.Errorf("%s has %d lines, at most %d", name, n, most)
		}
		for n, line := range strings.Split(text, "\n") {
			if at := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); at >= 0 {
				t.Errorf("%s:%d: not plain ASCII: %+q", name, n+1, line[at:])
			}
		}
		for _, m := range inTree.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(docRoot, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
		if !strings.HasPrefix(name, referenceDir) && name != "README.md" && !docLinked(pages, name) {
			t.Errorf("%s: no page links to it", name)
		}
	}
	if !strings.Contains(pages["README.md"], "\ngo run . demo\n") || !strings.Contains(pages["README.md"], "\ngo test ./...\n") {
		t.Error("README.md does not have go run . demo and go test ./... on lines of their own")
	}
}

func docLinked(pages map[string]string, name string) bool {
	for from, text := range pages {
		rel, err := filepath.Rel(filepath.FromSlash(path.Dir(from)), filepath.FromSlash(name))
		if err == nil && from != name && strings.Contains(text, "]("+filepath.ToSlash(rel)) {
			return true
		}
	}
	return false
}

// TestDocsCommands holds every command to its help: Short, Long, and examples
// whose commands and flags exist. Topics are text alone.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	verb := regexp.MustCompile(`^[A-Z][a-z]+,? [^.]*$`)
	root := docCommands()
	root.Use = "rely"
	walkCommands(root, func(c *cobra.Command) {
		if c.Annotations["topic"] != "" {
			return
		}
		if len(c.Short) > 60 || c != root && !verb.MatchString(c.Short) {
			t.Errorf("%s: Short is %q: want a verb first, no full stop, at most 60 columns", c.CommandPath(), c.Short)
		}
		if c.Long == "" || c.Example == "" {
			t.Errorf("%s: Long or Example is missing", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			for _, args := range docCalls(line) {
				if err := docParses(args); err != nil {
					t.Errorf("%s: example %q: %v", c.CommandPath(), strings.TrimSpace(line), err)
				}
			}
		}
	})
}

// docCalls finds the rely commands in a line for a shell and splits them into
// words, as far as examples need it.
func docCalls(line string) [][]string {
	var out [][]string
	for _, m := range regexp.MustCompile(`(?:^\s*|\$\()rely ([^|)]*)`).FindAllStringSubmatch(line, -1) {
		var args []string
		for _, w := range regexp.MustCompile(`(?:"[^"]*"|[^\s"])+`).FindAllString(m[1], -1) {
			args = append(args, strings.ReplaceAll(w, `"`, ""))
		}
		out = append(out, args)
	}
	return out
}

func docParses(args []string) error {
	c, rest, err := docCommands().Find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// TestDocsAreComplete walks the tables: each has its page in docs/extend, each
// entry its row in docs/reference; each package of ours stands in
// docs/architecture.md, each module of others in docs/decisions.
func TestDocsAreComplete(t *testing.T) {
	t.Parallel()
	tables := map[string][]string{}
	add := func(page, name string) { tables[page] = append(tables[page], name) }
	for _, e := range flows.All() {
		add("flows", e.Name)
	}
	for _, e := range clientauth.All() {
		add("client-auth", e.Name)
	}
	for _, e := range output.All() {
		add("output", e.Name)
	}
	for _, e := range useragent.All() {
		add("browsers", e.Name)
	}
	for _, e := range store.All() {
		add("stores", e.Name)
	}
	for _, e := range demoop.Faults() {
		add("faults", e.Name)
	}
	for _, m := range registration.Members() {
		add("client-metadata", m.Name)
	}
	for _, e := range preset.All() {
		add("providers", e.Name)
	}
	for _, e := range passwd.All() {
		add("passwd", e.Name)
	}
	for _, k := range doctor.Checks() {
		if text := docText(t, referenceDir+"/doctor.md"); !strings.Contains(text, "\n## "+k.ID+"\n") {
			t.Errorf("%s/doctor.md has no section for %s", referenceDir, k.ID)
		}
	}
	extend := map[string]string{
		"passwd": "passwd",
		"flows":  "flow", "client-auth": "client-auth-method", "output": "output-format",
		"browsers": "user-agent", "stores": "store", "faults": "fault", "client-metadata": "client-metadata-member", "providers": "preset",
	}
	for _, page := range slices.Sorted(maps.Keys(tables)) {
		text := docText(t, referenceDir+"/"+page+".md")
		for _, name := range tables[page] {
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("%s/%s.md has no row for %s", referenceDir, page, name)
			}
		}
		docText(t, "docs/extend/"+extend[page]+".md")
	}
	picture := docText(t, "docs/architecture.md")
	packages, err := os.ReadDir(filepath.Join(docRoot, "internal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if p.IsDir() && !strings.Contains(picture, "internal/"+p.Name()+"/") {
			t.Errorf("docs/architecture.md does not show internal/%s/", p.Name())
		}
	}
	decided := docText(t, "docs/decisions/0002-libraries.md")
	for _, module := range docModules(t) {
		if !strings.Contains(decided, module) {
			t.Errorf("docs/decisions/0002-libraries.md has no sentence for %s", module)
		}
	}
}

// docModules are the modules of others that our sources and tests import.
func docModules(t *testing.T) []string {
	t.Helper()
	required := []string{}
	for line := range strings.Lines(docText(t, "go.mod")) {
		if f := strings.Fields(line); len(f) >= 2 && strings.Contains(f[0], ".") {
			required = append(required, f[0])
		}
	}
	used := map[string]bool{}
	err := fs.WalkDir(os.DirFS(docRoot), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (name == "tools" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if err != nil || path.Ext(name) != ".go" {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(docRoot, filepath.FromSlash(name)), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			for _, module := range required {
				if p == module || strings.HasPrefix(p, module+"/") {
					used[module] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(used))
}
