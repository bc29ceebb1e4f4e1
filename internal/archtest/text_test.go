package archtest

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The ceilings, in lines. Whoever needs more splits first.
const (
	fileCeiling     = 400
	functionCeiling = 60
	packageCeiling  = 2000
)

// ceilings finds files, functions and packages that have grown too large.
func ceilings(t *tree) []string {
	var out []string
	packages := map[string]int{}
	for _, f := range t.shipped() {
		packages[f.dir()] += f.lines
		if f.lines > fileCeiling {
			out = append(out, fmt.Sprintf("%s: %d lines, the ceiling for a file is %d: split it", f.path, f.lines, fileCeiling))
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1; n > functionCeiling {
				out = append(out, fmt.Sprintf("%s: %s has %d lines, the ceiling for a function is %d: split it",
					t.at(fn), fn.Name.Name, n, functionCeiling))
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		// Two are shelves and not units: cmd has a file for each command, which
		// share no more than the invocation; quirk is a table of faults, a file
		// for each group, which share no more than the type of an entry.
		if n := packages[dir]; n > packageCeiling && dir != "cmd" && dir != "internal/demoop/quirk" {
			out = append(out, fmt.Sprintf("%s: %d lines, the ceiling for a package is %d: split it", dir, n, packageCeiling))
		}
	}
	return out
}

// packageComments finds packages that do not say, once, what they are for.
func packageComments(t *tree) []string {
	docs := map[string][]string{}
	var out []string
	for _, f := range t.shipped() {
		doc := f.syntax.Doc.Text()
		if docs[f.dir()] == nil {
			docs[f.dir()] = []string{}
		}
		if doc == "" {
			continue
		}
		docs[f.dir()] = append(docs[f.dir()], f.path)
		if name := f.syntax.Name.Name; name != "main" && !strings.HasPrefix(doc, "Package "+name+" ") {
			out = append(out, fmt.Sprintf("%s: the package comment starts with %q", f.path, "Package "+name+" ..."))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(docs)) {
		switch files := docs[dir]; len(files) {
		case 0:
			out = append(out, dir+": no package comment: say what the package is for and what it refuses to do")
		case 1:
		default:
			out = append(out, dir+": more than one package comment: keep one of "+strings.Join(files, ", "))
		}
	}
	return out
}

// openWork finds notes about work left open that name no issue.
func openWork(t *tree) []string {
	note := regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b(\(#[0-9]+\))?`)
	var out []string
	for _, f := range slices.Concat(t.files, t.loose) {
		if f.syntax == nil {
			continue
		}
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				for _, m := range note.FindAllStringSubmatch(c.Text, -1) {
					if m[2] == "" {
						out = append(out, fmt.Sprintf("%s: %s without an issue: write %s(#NUMBER), or do it", t.at(c), m[1], m[1]))
					}
				}
			}
		}
	}
	return out
}

// ascii finds characters that a terminal, a diff or a grep may not show.
func ascii(t *tree) []string {
	var out []string
	for _, f := range slices.Concat(t.files, t.loose) {
		for i, line := range strings.Split(string(f.data), "\n") {
			if at := strings.IndexFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' && r != '\r' }); at >= 0 {
				out = append(out, fmt.Sprintf("%s:%d: not plain ASCII: %+q: write an escape", f.path, i+1, line[at:]))
				break
			}
		}
	}
	return out
}
