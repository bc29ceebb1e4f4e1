package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path that go.mod names.
const module = "rely"

// A tree is the repository as the rules see it.
type tree struct {
	fset  *token.FileSet
	files []*file // the Go files of the picture: main.go, cmd and internal
	loose []*file // every other text file, and the Go files of bench and test
}

// A file is one text file; only a Go file has syntax.
type file struct {
	path   string // from the root, with slashes
	lines  int
	data   []byte
	syntax *ast.File
}

// dir is the package's folder, "." for the root.
func (f *file) dir() string { return path.Dir(f.path) }

// isTest tells whether the file is compiled for tests only.
func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// shipped lists the files that end up in the program.
func (t *tree) shipped() []*file {
	return slices.DeleteFunc(slices.Clone(t.files), (*file).isTest)
}

// at words a position: "internal/jose/key.go:12".
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// load reads and parses every text file below root.
func load(root fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && foreign(d.Name()):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular() || !text(name):
			return nil
		}
		f := &file{path: name}
		if f.data, err = fs.ReadFile(root, name); err != nil {
			return err
		}
		f.lines = bytes.Count(f.data, []byte("\n"))
		if !strings.HasSuffix(name, ".go") {
			t.loose = append(t.loose, f)
			return nil
		}
		if f.syntax, err = parser.ParseFile(t.fset, name, f.data, parser.ParseComments); err != nil {
			return err
		}
		if outside(name) {
			t.loose = append(t.loose, f)
		} else {
			t.files = append(t.files, f)
		}
		return nil
	})
	return t, err
}

// foreign names the folders that hold nothing of ours, or data for tests.
func foreign(dir string) bool {
	switch dir {
	case ".git", "node_modules", "testdata", "vendor", "dist":
		return true
	}
	return false
}

// outside tells whether a Go file measures, tests or serves the house and so stands
// beside it.
func outside(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "bench" || top == "test" || top == "tools" || top == "standin"
}

// text tells a file written by people from a built program or a picture.
func text(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".mod", ".yaml", ".yml", ".sh", ".mjs", ".json", ".txt":
		return true
	}
	return name == ".ci/run" || name == ".gitignore" || name == "LICENSE"
}

// imports maps the name an import has inside the file to its path.
func (f *file) imports() map[string]string {
	names := map[string]string{}
	for _, s := range f.syntax.Imports {
		p, _ := strconv.Unquote(s.Path.Value)
		names[importName(s, p)] = p
	}
	return names
}

// importName is the name that s is used by: its own, or the last element of
// the path that is no version.
func importName(s *ast.ImportSpec, p string) string {
	if s.Name != nil {
		return s.Name.Name
	}
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	return base
}

// uses calls found for each mention of an imported name: uses(f, n, found)
// with os.Exit in n calls found("os", "Exit", the selector).
func uses(f *file, found func(pkg, name string, at ast.Node)) {
	imports := f.imports()
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// An identifier that resolves inside the file is no package.
		if id, ok := sel.X.(*ast.Ident); ok && id.Obj == nil && imports[id.Name] != "" {
			found(imports[id.Name], sel.Sel.Name, sel)
		}
		return true
	})
}
