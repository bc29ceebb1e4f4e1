package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// banned says which names ask the process or its surroundings, and the one
// package that may.
func banned() []struct{ pkg, names, owner string } {
	return []struct{ pkg, names, owner string }{
		{"os", "Stdin Stdout Stderr", "app"},
		{"os", "Getenv LookupEnv Environ ExpandEnv Setenv Unsetenv Clearenv UserHomeDir UserConfigDir UserCacheDir", "app"},
		{"os", "Exit", "main"},
		{"log", "Fatal Fatalf Fatalln Panic Panicf Panicln", ""},
		{"time", "Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker", "app"},
		{"net/http", "DefaultClient DefaultTransport", "app"},
		{"net/http", "Get Head Post PostForm DefaultServeMux Handle HandleFunc", ""},
	}
}

// bans finds code that asks the process behind app's back.
func bans(t *tree) []string {
	var out []string
	for _, f := range t.shipped() {
		who, _ := level(f.dir())
		uses(f, func(pkg, name string, at ast.Node) {
			for _, b := range banned() {
				if b.pkg != pkg || !contains(b.names, name) || b.owner == who {
					continue
				}
				out = append(out, fmt.Sprintf("%s: %s uses %s.%s, which belongs to %s: take it as an argument",
					t.at(at), who, pkg, name, orNobody(b.owner)))
			}
		})
	}
	return out
}

// sleeps finds tests that wait for time to pass.
func sleeps(t *tree) []string {
	var out []string
	for _, f := range t.files {
		if !f.isTest() {
			continue
		}
		uses(f, func(pkg, name string, at ast.Node) {
			if pkg == "time" && name == "Sleep" {
				out = append(out, t.at(at)+": a test sleeps: wait for what it waits for, or inject the clock")
			}
		})
	}
	return out
}

// inits finds code that runs at start; package start is there for that.
func inits(t *tree) []string {
	var out []string
	for _, f := range t.shipped() {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && f.dir() != "internal/start" {
				out = append(out, t.at(fn)+": an init function: do it when it is needed, from a function with a name")
			}
		}
	}
	return out
}

// variables finds package variables that could change or that cost start-up
// time. Error values, embedded files and interface assertions may stay.
func variables(t *tree) []string {
	var out []string
	for _, f := range t.shipped() {
		for _, d := range f.syntax.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR || embeds(decl.Doc) {
				continue
			}
			for _, s := range decl.Specs {
				spec := s.(*ast.ValueSpec)
				if !embeds(spec.Doc) && !blank(spec) && !errorValues(spec) && !guard(spec) {
					out = append(out, fmt.Sprintf("%s: package variable %s: pass it, return it from a function, or make it a constant",
						t.at(spec), spec.Names[0].Name))
				}
			}
		}
	}
	return out
}

// embeds tells whether a comment is a go:embed line.
func embeds(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// blank tells whether spec only asserts something, as var _ Store = File{}.
func blank(spec *ast.ValueSpec) bool {
	for _, n := range spec.Names {
		if n.Name != "_" {
			return false
		}
	}
	return true
}

// guard allows a sync.Once, which keeps a library's own variables from being
// set twice, and a sync.OnceValue, which is a table made when it is first
// needed: nobody can see either change.
func guard(spec *ast.ValueSpec) bool {
	if spec.Type != nil {
		return dotted(spec.Type) == "sync.Once"
	}
	call, ok := spec.Values[0].(*ast.CallExpr)
	return ok && len(spec.Values) == 1 && dotted(call.Fun) == "sync.OnceValue"
}

// errorValues tells whether every variable of spec is an error by its making.
func errorValues(spec *ast.ValueSpec) bool {
	for _, v := range spec.Values {
		switch v := v.(type) {
		case *ast.CallExpr:
			if s := dotted(v.Fun); s != "errors.New" && s != "fmt.Errorf" {
				return false
			}
		case *ast.UnaryExpr:
			if lit, ok := v.X.(*ast.CompositeLit); !ok || v.Op != token.AND || dotted(lit.Type) != "fault.Error" {
				return false
			}
		default:
			return false
		}
	}
	return len(spec.Values) == len(spec.Names)
}

// dotted words a selector: "errors.New".
func dotted(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if id, ok := sel.X.(*ast.Ident); ok {
			return id.Name + "." + sel.Sel.Name
		}
	}
	return ""
}
