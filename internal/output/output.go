// Package output writes results: the one thing that goes to stdout. It shapes
// text, JSON, YAML and shell forms; it decides nothing about what is in them,
// and whoever hands it a secret was asked for that secret by name.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"rely/internal/fault"
)

// A Result is what a command found out. JSON is its machine form: a value that
// encoding/json writes as an object. Text is its form for a person; empty
// means that the members are listed.
type Result struct {
	Schema string // "NAME/1"
	JSON   any
	Text   string

	// Vars are shell variables for -o env, in order; Header is the line for
	// -o header; Raw the one value for -o raw. Empty where there is none.
	Vars   []Var
	Header string
	Raw    string

	// Document is the result in a format that only findings have: sarif, junit,
	// markdown, github. Nil where there is none.
	Document func(format string) (string, error)
}

// A Var is one shell variable.
type Var struct{ Name, Value string }

// An Entry is an output format.
type Entry struct {
	Name  string // the value of -o
	Help  string
	Write func(w io.Writer, r Result) error
}

// All is the table of formats, in the order in which help shows them.
func All() []Entry {
	return []Entry{
		{"text", "for a person", text},
		{"json", `{"schema":"NAME/1","result":...}, indented`, indented},
		{"yaml", "the same as YAML", yaml},
		{"env", "shell assignments, for eval", env},
		{"header", "one HTTP header line", header},
		{"raw", "the value alone", raw},
		{"sarif", "findings as SARIF 2.1.0, for code scanning", document("sarif")},
		{"junit", "findings as a JUnit test report", document("junit")},
		{"markdown", "findings as a page", document("markdown")},
		{"github", "findings as annotations of a GitHub job", document("github")},
	}
}

// Find is the format of that name; the empty name is text.
func Find(name string) (Entry, error) {
	names := []string{}
	for _, e := range All() {
		if e.Name == name || name == "" {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, &fault.Error{Kind: fault.Usage, ID: "output.format", Op: "choose the output format",
		Err: fmt.Errorf("%q is no format (%s)", name, strings.Join(names, ", ")), Hint: fault.Meant(name, names, "use --output ", "use one of those with --output")}
}

// Print writes r in the format of that name. Every error is a fault: Usage
// where the result has no such form, Config where w could not be written.
func Print(w io.Writer, format string, r Result) error {
	e, err := Find(format)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := e.Write(&b, r); err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "output.write", Op: "write the result", Err: err,
			Hint: "check where the standard output goes; nothing else was lost"}
	}
	return nil
}

func text(w io.Writer, r Result) error {
	if r.Text != "" {
		_, err := io.WriteString(w, r.Text)
		return err
	}
	v, err := plain(r.JSON)
	if err != nil {
		return err
	}
	members, ok := v.(map[string]any)
	if !ok {
		return indented(w, r)
	}
	lines(w, members, "")
	return nil
}

// lines lists members for a person, names in one column, strings from outside
// made visible.
func lines(w io.Writer, members map[string]any, indent string) {
	names := make([]string, 0, len(members))
	width := 0
	for name := range members {
		names = append(names, name)
		width = max(width, len(fault.Visible(name)))
	}
	slices.Sort(names)
	for _, name := range names {
		switch v := members[name].(type) {
		case map[string]any:
			fmt.Fprintf(w, "%s%s:\n", indent, fault.Visible(name))
			lines(w, v, indent+"  ")
		default:
			fmt.Fprintf(w, "%s%-*s  %s\n", indent, width, fault.Visible(name), scalar(v))
		}
	}
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return fault.VisibleUpTo(v, 2000)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = scalar(v[i])
		}
		return strings.Join(parts, " ")
	}
	js, _ := json.Marshal(v)
	return fault.VisibleUpTo(string(js), 2000)
}

// plain turns a value into what encoding/json reads back, numbers untouched.
func plain(v any) (any, error) {
	js, err := compact(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(js))
	d.UseNumber()
	var out any
	return out, d.Decode(&out)
}

func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "output.json", Op: "write the result", Err: err}
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

type envelope struct {
	Schema string `json:"schema"`
	Result any    `json:"result"`
}

// indented is the JSON form. What encoding/json lets pass and a terminal would
// act on (C1 controls, bidi overrides) is written as an escape.
func indented(w io.Writer, r Result) error {
	js, err := compact(envelope{r.Schema, r.JSON})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, js, "", "  "); err != nil {
		return &fault.Error{Kind: fault.Internal, ID: "output.json", Op: "write the result", Err: err}
	}
	_, err = fmt.Fprintln(w, EscapeJSON(b.String()))
	return err
}

// EscapeJSON writes every character of a JSON text that does not show as a
// \u escape, which means the same to every reader of JSON.
func EscapeJSON(js string) string {
	return escape(js, func(c rune) string {
		c -= 0x10000
		return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+(c>>10), 0xdc00+(c&0x3ff))
	})
}

// escape replaces what does not show; wide spells a character beyond \uffff,
// in which JSON and YAML differ.
func escape(text string, wide func(rune) string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n' || fault.Visible(string(c)) == string(c):
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteString(wide(c))
		}
	}
	return b.String()
}

// yaml writes the envelope as YAML; every string is quoted as JSON quotes it,
// which YAML 1.2 reads the same way.
func yaml(w io.Writer, r Result) error {
	v, err := plain(r.JSON)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "schema: %s\nresult:", r.Schema)
	return yamlValue(w, v, "  ")
}

func yamlValue(w io.Writer, v any, indent string) error {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			fmt.Fprintln(w, " {}")
			return nil
		}
		fmt.Fprintln(w)
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(w, "%s%s:", indent, yamlScalar(name))
			if err := yamlValue(w, v[name], indent+"  "); err != nil {
				return err
			}
		}
	case []any:
		if len(v) == 0 {
			fmt.Fprintln(w, " []")
			return nil
		}
		fmt.Fprintln(w)
		for _, item := range v {
			fmt.Fprintf(w, "%s-", indent)
			if err := yamlValue(w, item, indent+"  "); err != nil {
				return err
			}
		}
	default:
		fmt.Fprintf(w, " %s\n", yamlScalar(v))
	}
	return nil
}

func yamlScalar(v any) string {
	if s, ok := v.(string); ok && s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == "" &&
		!slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, s) {
		return s
	}
	js, _ := compact(v)
	return escape(string(js), func(c rune) string { return fmt.Sprintf(`\U%08x`, c) })
}

func env(w io.Writer, r Result) error {
	if len(r.Vars) == 0 {
		return noForm("env", r)
	}
	for _, v := range r.Vars {
		fmt.Fprintf(w, "export %s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
	}
	return nil
}

func header(w io.Writer, r Result) error {
	if r.Header == "" {
		return noForm("header", r)
	}
	_, err := fmt.Fprintln(w, r.Header)
	return err
}

func raw(w io.Writer, r Result) error {
	if r.Raw == "" {
		return noForm("raw", r)
	}
	_, err := fmt.Fprintln(w, r.Raw)
	return err
}

// document writes a form that the result itself knows how to make.
func document(format string) func(io.Writer, Result) error {
	return func(w io.Writer, r Result) error {
		if r.Document == nil {
			return noForm(format, r)
		}
		text, err := r.Document(format)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		return err
	}
}

func noForm(format string, r Result) error {
	name, _, _ := strings.Cut(r.Schema, "/")
	return &fault.Error{Kind: fault.Usage, ID: "output.no-form", Op: "write the result",
		Err: fmt.Errorf("%s has no %s form", name, format), Hint: "use --output json or text"}
}
