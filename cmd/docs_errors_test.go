package cmd

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rely/internal/fault"
	"rely/internal/flows/front"
	"rely/internal/idtoken"
)

// An origin is one place in the sources that words a fault. Its texts are as
// the source has them, with "..." for what is known at run time alone.
type origin struct{ id, kind, op, spec, hint, pkg string }

// docErrors is docs/reference/errors.md: every fault that the sources make.
func docErrors(t *testing.T) string {
	t.Helper()
	type entry struct{ kinds, ops, specs, hints, pkgs []string }
	all := map[string]*entry{}
	note := func(list *[]string, text string) {
		if text != "" && text != "..." && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, o := range origins(t) {
		if all[o.id] == nil {
			all[o.id] = &entry{}
		}
		e := all[o.id]
		note(&e.kinds, o.kind)
		note(&e.ops, o.op)
		note(&e.specs, o.spec)
		note(&e.hints, o.hint)
		note(&e.pkgs, o.pkg)
	}
	demand := func(id, op, spec, demand, pkg string) {
		all[id] = &entry{[]string{"Protocol"}, []string{op}, []string{spec}, []string{"(it demands: " + demand + ")"}, []string{code(pkg)}}
	}
	for _, r := range front.ResponseChecks() {
		demand("login."+r.Name, "check the authorization response", r.Spec, r.Demand, "internal/flows")
	}
	for _, r := range idtoken.Rules() {
		demand("idtoken."+r.Name, "check the ID token", r.Spec, r.Demand, "internal/idtoken")
	}
	codes := map[string]string{}
	for _, k := range fault.Kinds() {
		name := strings.ToUpper(k.String()[:1]) + k.String()[1:]
		codes[name] = fmt.Sprintf("%d %s", int(k), k)
	}
	var rows [][]string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		e := all[id]
		exits := []string{}
		for _, k := range e.kinds {
			exits = append(exits, codes[k])
		}
		join := func(list []string) string { slices.Sort(list); return strings.Join(list, "; ") }
		if len(e.ops) == 0 {
			e.ops = []string{"(whatever was being done)"}
		}
		if len(e.hints) == 0 && !slices.Contains(e.kinds, "Internal") {
			e.hints = []string{"(it depends on what happened)"}
		}
		rows = append(rows, []string{code(id), join(exits), join(e.ops), join(e.specs), join(e.hints), join(e.pkgs)})
	}
	intro := "An error is up to three lines on standard error, and with `-o json` one line of JSON besides:\n\n" +
		"```text\nrely: WHAT WAS BEING DONE: what happened\nrely: rule: SECTION\nrely: try: ONE THING\n```\n\n" +
		"After a sign-in that failed up to three more lines name the [likely cause](causes.md) where one is known. " +
		"The JSON has the ID, which never changes its meaning. `...` stands for what is known at run time only. " +
		"In `token.<code>` and `login.<code>` it is the provider's own error code, such as `invalid_grant` or `access_denied`. " +
		"The code is the [exit code](exit-codes.md)."
	return generated + table("Errors", intro, []string{"ID", "code", "while", "rule", "try", "made in"}, rows)
}

// origins reads every package of the program.
func origins(t *testing.T) []origin {
	t.Helper()
	var out []origin
	err := fs.WalkDir(os.DirFS(docRoot), ".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || dir == "." || dir == "internal" {
			return err
		}
		if top, _, _ := strings.Cut(dir, "/"); top != "cmd" && top != "internal" || d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") {
			return fs.SkipDir
		}
		out = append(out, originsIn(t, dir)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A source is one package: its syntax, its constants, and who calls what.
type source struct {
	pkg    string
	consts map[string]ast.Expr
	calls  map[string][]*ast.CallExpr
	body   *ast.BlockStmt // under inspection
	out    []origin
}

func originsIn(t *testing.T, dir string) []origin {
	t.Helper()
	s := &source{pkg: dir, consts: map[string]ast.Expr{}, calls: map[string][]*ast.CallExpr{}}
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(docRoot, filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, s.index)
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				s.function(fn.Name.Name, fn.Type, fn.Body)
			}
		}
	}
	return s.out
}

// index notes constants and calls by name.
func (s *source) index(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && n.Tok == token.CONST && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					s.consts[name.Name] = v.Values[i]
				}
			}
		}
	case *ast.CallExpr:
		switch f := n.Fun.(type) {
		case *ast.Ident:
			s.calls[f.Name] = append(s.calls[f.Name], n)
		case *ast.SelectorExpr:
			s.calls["."+f.Sel.Name] = append(s.calls["."+f.Sel.Name], n)
		}
	}
	return true
}

// function finds the faults in one body. Those whose ID is a parameter are
// found once for each call.
func (s *source) function(name string, ft *ast.FuncType, body *ast.BlockStmt) {
	outer := s.body
	s.body = body
	defer func() { s.body = outer }()
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			lit, made := n.Rhs[0].(*ast.FuncLit)
			if name, ok := n.Lhs[0].(*ast.Ident); ok && made {
				s.function(name.Name, lit.Type, lit.Body)
				return false
			}
		case *ast.BlockStmt:
			s.changes(body, n.List)
		case *ast.CaseClause:
			s.changes(body, n.Body)
		case *ast.CompositeLit:
			if isFault(n) {
				s.literal(n, name, ft)
			}
		}
		return true
	})
}

func isFault(n *ast.CompositeLit) bool {
	sel, ok := n.Type.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "fault" && sel.Sel.Name == "Error"
}

func fields(lit *ast.CompositeLit) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			out[kv.Key.(*ast.Ident).Name] = kv.Value
		}
	}
	return out
}

func (s *source) literal(lit *ast.CompositeLit, name string, ft *ast.FuncType) {
	f := fields(lit)
	if f["ID"] == nil {
		return
	}
	params := []string{}
	for _, p := range ft.Params.List {
		for _, n := range p.Names {
			params = append(params, n.Name)
		}
	}
	about := func(fields ...string) bool {
		return slices.ContainsFunc(fields, func(field string) bool {
			return f[field] != nil && slices.ContainsFunc(params, func(p string) bool { return mentions(f[field], p) })
		})
	}
	if !about("ID") && f["Hint"] == nil {
		f["Hint"] = &ast.Ident{Name: ".Hint"}
	}
	calls := slices.Concat(s.calls[name], s.calls["."+name])
	if !about("ID", "Kind", "Spec", "Hint") || len(calls) == 0 {
		s.add(f, nil)
		return
	}
	for _, call := range calls {
		given := map[string]ast.Expr{}
		for i, arg := range call.Args {
			if i < len(params) {
				given[params[i]] = arg
			}
		}
		s.add(f, given)
	}
}

// changes finds a fault that gets another ID: the fields set beside it, and
// the others from the literal that the variable began with.
func (s *source) changes(body *ast.BlockStmt, list []ast.Stmt) {
	set := map[string]map[string]ast.Expr{} // variable, field
	for _, stmt := range list {
		a, ok := stmt.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			continue
		}
		for i, l := range a.Lhs {
			sel, ok := l.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			if v, ok := sel.X.(*ast.Ident); ok {
				if set[v.Name] == nil {
					set[v.Name] = map[string]ast.Expr{}
				}
				set[v.Name][sel.Sel.Name] = a.Rhs[i]
			}
		}
	}
	for v, changed := range set {
		began := beginning(body, v)
		if changed["ID"] == nil || began == nil {
			continue
		}
		f := fields(began)
		maps.Copy(f, changed)
		s.add(f, nil)
	}
}

// beginning is the literal that a variable was made with.
func beginning(body *ast.BlockStmt, name string) *ast.CompositeLit {
	var out *ast.CompositeLit
	ast.Inspect(body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || a.Tok != token.DEFINE || out != nil {
			return true
		}
		if v, ok := a.Lhs[0].(*ast.Ident); ok && v.Name == name {
			ast.Inspect(a.Rhs[0], func(n ast.Node) bool {
				if lit, ok := n.(*ast.CompositeLit); ok && isFault(lit) && out == nil {
					out = lit
				}
				return true
			})
		}
		return true
	})
	return out
}

func (s *source) add(f, given map[string]ast.Expr) {
	o := origin{id: s.text(f["ID"], given), kind: s.text(f["Kind"], given), op: s.text(f["Op"], given),
		spec: s.text(f["Spec"], given), hint: s.text(f["Hint"], given), pkg: code(path.Clean(s.pkg))}
	if o.id == "..." {
		return // another fault's ID, handed on
	}
	if strings.HasPrefix(o.op, "check") && strings.HasSuffix(o.id, "....") {
		return // one for each check: the tables list them
	}
	o.id = strings.Replace(o.id, "....", ".<code>", 1)
	s.out = append(s.out, o)
}

// text is what an expression says, as far as the source tells.
func (s *source) text(e ast.Expr, given map[string]ast.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			return "..."
		}
		return text
	case *ast.BinaryExpr:
		return strings.ReplaceAll(s.text(e.X, given)+s.text(e.Y, given), "......", "...")
	case *ast.ParenExpr:
		return s.text(e.X, given)
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "fault" {
			return e.Sel.Name
		}
	case *ast.Ident:
		if arg, ok := given[e.Name]; ok {
			return s.text(arg, nil)
		}
		// Another function's constant of the same name is not this one's.
		if e.Name == ".Hint" || e.Obj != nil && e.Obj.Kind != ast.Con {
			return s.assigned(e.Name, given)
		}
		if e.Obj != nil {
			if spec, ok := e.Obj.Decl.(*ast.ValueSpec); ok && len(spec.Values) > 0 {
				return s.text(spec.Values[slices.Index(spec.Names, specName(spec, e.Name))], given)
			}
		}
		if v, ok := s.consts[e.Name]; ok {
			return s.text(v, nil)
		}
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return verbs(s.text(e.Args[0], given))
		} else if ok && sel.Sel.Name == "Meant" {
			return s.text(e.Args[3], given)
		}
	}
	return "..."
}

// assigned is every text that the function under inspection gives a variable,
// or the field ".Hint" of one.
func (s *source) assigned(name string, given map[string]ast.Expr) string {
	var texts []string
	ast.Inspect(s.body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return true
		}
		for i, l := range a.Lhs {
			is := false
			switch l := l.(type) {
			case *ast.Ident:
				is = l.Name == name
			case *ast.SelectorExpr:
				is = "."+l.Sel.Name == name
			}
			if !is || mentions(a.Rhs[i], name) {
				continue
			}
			if text := s.text(a.Rhs[i], given); text != "..." && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
		return true
	})
	if len(texts) == 0 && name == ".Hint" {
		return ""
	} else if len(texts) == 0 {
		return "..."
	}
	return strings.Join(texts, "; ")
}

func specName(spec *ast.ValueSpec, name string) *ast.Ident {
	for _, n := range spec.Names {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// verbs turns a format's verbs into "...".
func verbs(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		for i++; i < len(format)-1 && strings.ContainsRune("+#0123456789.[]", rune(format[i])); i++ {
		}
		b.WriteString("...")
	}
	return b.String()
}

func mentions(e ast.Expr, name string) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}
