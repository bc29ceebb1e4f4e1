package cmd

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rely/internal/clientauth"
	"rely/internal/demoop"
	"rely/internal/flows"
	"rely/internal/jose"
	"rely/internal/output"
	"rely/internal/store"
	"rely/internal/useragent"
)

var updateDocs = flag.Bool("update", false, "rewrite docs/reference and the generated part of README.md")

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

// docMatrix is what rely can do, from the tables.
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
