package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/app"
	"rely/internal/clientauth"
	"rely/internal/demoop"
	"rely/internal/doctor"
	"rely/internal/flows"
	"rely/internal/jose"
	"rely/internal/output"
	"rely/internal/passwd"
	"rely/internal/preset"
	"rely/internal/registration"
	"rely/internal/store"
	"rely/internal/useragent"
)

// The documents are read from the root of the repository.
var updateDocs = flag.Bool("update", false, "rewrite docs/reference and the generated part of README.md")

const (
	docRoot      = ".." // the repository, seen from this package
	referenceDir = "docs/reference"
	startMatrix  = "<!-- generated:matrix -->\n"
	endMatrix    = "<!-- /generated -->\n"
)

// documents are README.md and every page below docs, by their path from the
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

// read is a file as it would lie on a system without carriage returns.
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

// TestDocsReferenceIsCurrent compares docs/reference with what the program and
// its sources say. Three pages there are not made here: people write files.md and
// doctor-findings.md, and TestMatrix in test/ops writes matrix.md.
func TestDocsReferenceIsCurrent(t *testing.T) {
	if !*updateDocs { // the others read what is written here
		t.Parallel()
	}
	want := map[string]string{"errors.md": docErrors(t), "certification.md": docCertification(t)}
	for name, data := range reference(docCommands()) {
		want[name] = string(data)
	}
	for name, text := range want {
		file := path.Join(referenceDir, name)
		if *updateDocs {
			docWrite(t, file, text)
		}
		got, err := os.ReadFile(filepath.Join(docRoot, filepath.FromSlash(file)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s is missing: run go test ./cmd -run Docs -update", file)
		case err != nil:
			t.Error(err)
		case strings.ReplaceAll(string(got), "\r\n", "\n") != text:
			t.Errorf("%s is stale: run go test ./cmd -run Docs -update", file)
		}
	}
	for file := range docPages(t) {
		name, inside := strings.CutPrefix(file, referenceDir+"/")
		if _, known := want[name]; !inside || known || name == "files.md" || name == "doctor-findings.md" || name == "matrix.md" {
			continue
		}
		if *updateDocs {
			if err := os.Remove(filepath.Join(docRoot, filepath.FromSlash(file))); err != nil {
				t.Error(err)
			}
			continue
		}
		t.Errorf("%s belongs to nothing that exists: remove it, or run go test ./cmd -run Docs -update", file)
	}
}

// matrix is what rely can do, from the tables.
func docMatrix() string {
	var b strings.Builder
	b.WriteString("| flow |")
	for _, m := range clientauth.All() {
		fmt.Fprintf(&b, " `%s` |", m.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(clientauth.All())) + "\n")
	for _, f := range flows.All() {
		fmt.Fprintf(&b, "| `%s`: %s |", f.Name, f.Help)
		for _, m := range clientauth.All() {
			can := "yes"
			if m.Name == "none" && f.Grant == "client_credentials" {
				can = "-" // which is for confidential clients (RFC 6749 4.4)
			}
			b.WriteString(" " + can + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n| what | choices |\n|---|---|\n")
	for what, names := range tableNames() {
		fmt.Fprintf(&b, "| %s | %s |\n", what, names)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	slices.Sort(lines[len(lines)-len(tableNames()):])
	return strings.Join(lines, "\n") + "\n"
}

// tableNames are the entries of the tables that are no axis of the matrix.
func tableNames() map[string]string {
	var browsers, stores, formats []string
	for _, e := range useragent.All() {
		browsers = append(browsers, e.Name)
	}
	for _, e := range store.All() {
		stores = append(stores, e.Name)
	}
	for _, e := range output.All() {
		formats = append(formats, e.Name)
	}
	code := func(names []string) string { return "`" + strings.Join(names, "` `") + "`" }
	return map[string]string{
		"login page (`--browser`)":       code(browsers) + ", or any command",
		"sessions are kept (`--store`)":  code(stores),
		"output (`-o`)":                  code(formats),
		"ID token signatures":            strings.Join(jose.Algorithms(), " "),
		"faults of the provider to test": fmt.Sprintf("%d, [each with its rule](docs/reference/faults.md)", len(demoop.Faults())),
	}
}

func TestDocsMatrix(t *testing.T) {
	if !*updateDocs { // the others read what is written here
		t.Parallel()
	}
	text := docText(t, "README.md")
	before, rest, ok1 := strings.Cut(text, startMatrix)
	got, after, ok2 := strings.Cut(rest, endMatrix)
	if !ok1 || !ok2 {
		t.Fatalf("README.md has no %s ... %s", strings.TrimSpace(startMatrix), strings.TrimSpace(endMatrix))
	}
	want := docMatrix()
	if got == want {
		return
	}
	if *updateDocs {
		docWrite(t, "README.md", before+startMatrix+want+endMatrix+after)
		return
	}
	t.Errorf("the matrix in README.md is stale: run go test ./cmd -run Docs -update\ngot\n%swant\n%s", got, want)
}

// A prompt is one command of a console block with the output that the page
// promises.
type prompt struct {
	line    int
	command string
	want    []string
}

// The issuer as the pages write it, and as a profile's name.
const (
	pageHost    = "127.0.0.1:9400"
	pageProfile = "127.0.0.1-9400"
	pagePort    = "8910" // of a listener; any free one takes its place
)

// TestDocsConsoleBlocks runs each page's console blocks in one shell, in a
// folder and a home of the page's own. A line "$ ..." is a command, what
// follows is its output; "..." alone stands for any lines, inside a line for
// any text; blanks in a row count as one. Where a page names the issuer, a
// "rely op" runs for it, with the flags of a comment <!-- rely op FLAGS -->.
func TestDocsConsoleBlocks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("the console blocks need a POSIX shell")
	}
	for name, text := range docPages(t) {
		prompts := docPrompts(t, name, text)
		if len(prompts) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runDocPage(t, name, text, prompts)
		})
	}
}

// console takes a page's console blocks apart.
func docPrompts(t *testing.T, name, text string) []prompt {
	t.Helper()
	var out []prompt
	inside, open := false, false
	for n, line := range strings.Split(text, "\n") {
		command, is := strings.CutPrefix(line, "$ ")
		switch {
		case line == "```console":
			inside, open = true, false
		case inside && strings.HasPrefix(line, "```"):
			inside = false
		case !inside:
		case is:
			out = append(out, prompt{line: n + 1, command: command})
			open = strings.HasSuffix(command, `\`)
		case len(out) == 0:
			t.Errorf("%s:%d: output without a command", name, n+1)
		case open:
			out[len(out)-1].command += "\n" + line
			open = strings.HasSuffix(line, `\`)
		default:
			out[len(out)-1].want = append(out[len(out)-1].want, line)
		}
	}
	return out
}

func runDocPage(t *testing.T, name, text string, prompts []prompt) {
	t.Helper()
	for _, tool := range []string{"curl", "jq"} {
		used := slices.ContainsFunc(prompts, func(p prompt) bool { return regexp.MustCompile(`\b` + tool + `\b`).MatchString(p.command) })
		if _, err := exec.LookPath(tool); used && err != nil {
			t.Skipf("%s needs %s", name, tool)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Plain files, never the keychain of whoever runs the tests.
	for file, text := range map[string]string{"home/config.yaml": "store: file", "alice.pw": demoAlice, "bob.pw": demoBob, "web.secret": "web-secret-0123456789abcdef", "service.secret": "service-secret-0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "nobody"), "RELY_HOME=" + filepath.Join(dir, "home"),
		"TMPDIR=" + dir, "LC_ALL=C", "GORACE=atexit_sleep_ms=0",
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	free, err := freePort(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free)
	written, real := []string{pagePort, port}, []string{port, pagePort}
	if strings.Contains(text, pageHost) {
		host := docProvider(ctx, t, text, env)
		profile := strings.ReplaceAll(host, ":", "-")
		written = append(written, pageHost, host, pageProfile, profile)
		real = append(real, host, pageHost, profile, pageProfile)
	}
	there, page := strings.NewReplacer(written...), strings.NewReplacer(real...)
	got := docShell(ctx, t, dir, env, prompts, there)
	for n, p := range prompts {
		have, want := docLines(strings.Split(page.Replace(got[n]), "\n")), docLines(p.want)
		if !docMatches(have, want) {
			t.Errorf("%s:%d: $ %s\ngot\n\t%s\nwant\n\t%s", name, p.line, p.command, strings.Join(have, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// provider runs "rely op" until the test ends and gives its host and port.
func docProvider(ctx context.Context, t *testing.T, text string, env []string) string {
	t.Helper()
	args := []string{"op", "--listen", "127.0.0.1:0"}
	if m := regexp.MustCompile(`<!-- rely op (.*) -->`).FindStringSubmatch(text); m != nil {
		args = append(args, strings.Fields(m[1])...)
	}
	op := exec.CommandContext(ctx, "rely", args...)
	op.Env = env
	stdout, err := op.StdoutPipe()
	if err == nil {
		err = op.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = op.Process.Kill(); _ = op.Wait() })
	issuer, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("rely %s: %v", strings.Join(args, " "), err)
	}
	_, host, _ := strings.Cut(strings.TrimSpace(issuer), "://")
	return host
}

// shell runs the commands one after the other in one shell and gives what each
// of them printed, standard output and standard error as they came.
func docShell(ctx context.Context, t *testing.T, dir string, env []string, prompts []prompt, there *strings.Replacer) []string {
	t.Helper()
	const mark = "@@ next command @@"
	var script strings.Builder
	for _, p := range prompts {
		// The parentheses leave $? to the next command as it was.
		fmt.Fprintf(&script, "%s\n{ s=$?; printf '\\n%s\\n'; (exit $s); }\n", there.Replace(p.command), mark)
	}
	sh := exec.CommandContext(ctx, "sh", "-c", script.String())
	var both bytes.Buffer
	sh.Dir, sh.Env, sh.Stdout, sh.Stderr, sh.WaitDelay = dir, env, &both, &both, 10*time.Second
	err := sh.Run()
	var status *exec.ExitError
	parts := strings.Split(both.String(), "\n"+mark+"\n")
	if err != nil && !errors.As(err, &status) || len(parts) != len(prompts)+1 {
		t.Fatalf("the shell came to %d commands of %d: %v\n%s", len(parts)-1, len(prompts), err, both.String())
	}
	return parts[:len(prompts)]
}

// tidy makes runs of blanks one, because a shorter port shortens a column, and
// drops empty lines at the end.
func docLines(lines []string) []string {
	out := []string{}
	for _, line := range lines {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func docMatches(have, want []string) bool {
	switch {
	case len(want) == 0:
		return len(have) == 0
	case want[0] == "...":
		return docMatches(have, want[1:]) || len(have) > 0 && docMatches(have[1:], want)
	case len(have) == 0:
		return false
	}
	return docMatchesLine(have[0], want[0]) && docMatches(have[1:], want[1:])
}

func docMatchesLine(have, want string) bool {
	first, rest, more := strings.Cut(want, "...")
	have, ok := strings.CutPrefix(have, first)
	for ok && more {
		var part string
		part, rest, more = strings.Cut(rest, "...")
		if !more {
			return strings.HasSuffix(have, part)
		}
		_, have, ok = strings.Cut(have, part)
	}
	return ok && have == ""
}

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

// headings are a page's headings as links name them.
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

// calls finds the rely commands in a line for a shell and splits them into
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
