package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"rely/internal/fault"
)

// current is the one key of config.yaml that is no setting.
const current = "current_profile"

// A document is a file taken apart.
type document struct {
	root    *yaml.Node // nil for a file without content
	entries []entry
}

// An entry is one key and what it says: one text, or a list of them. The text
// is the file's own, so that 0123 stays 0123.
type entry struct {
	name   string
	values []string
	key    *yaml.Node
	value  *yaml.Node
}

func (d document) find(name string) (entry, bool) {
	for _, e := range d.entries {
		if e.name == name {
			return e, true
		}
	}
	return entry{}, false
}

// refuse words what is wrong with a line of a file; line 0 is the whole file.
func refuse(path string, line int, id, hint string, err error) error {
	if line > 0 {
		path += ":" + strconv.Itoa(line)
	}
	return &fault.Error{Kind: fault.Config, ID: "config." + id, Op: "read " + path, Hint: hint, Err: err}
}

// parse reads a profile, or config.yaml, strictly.
func parse(path string, data []byte, preferences bool) (document, error) {
	var d document
	root, err := parseYAML(path, data)
	if root == nil || err != nil {
		return d, err
	}
	d.root = root
	top := root.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" && top.Value == "" {
		return d, nil // "---" alone
	}
	if top.Kind != yaml.MappingNode {
		return d, refuse(path, top.Line, "type", `write "key: value" lines`, errors.New("the file is no mapping of keys to values"))
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		e, err := parseEntry(path, top.Content[i], top.Content[i+1], preferences)
		if err != nil {
			return d, err
		}
		if first, ok := d.find(e.name); ok {
			return d, refuse(path, e.key.Line, "duplicate", "remove one of the two lines",
				fmt.Errorf("%s stands on line %d already", e.name, first.key.Line))
		}
		d.entries = append(d.entries, e)
	}
	return d, nil
}

// parseYAML gives the document's node, and nil for one without content.
func parseYAML(path string, data []byte) (root *yaml.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err = decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, malformed(path, data, err)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, refuse(path, more.Line, "syntax", "keep the first document alone", errors.New("the file has a second YAML document"))
	} else if !errors.Is(err, io.EOF) {
		return nil, malformed(path, data, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return &doc, nil
}

// malformed takes the line out of the library's words, "yaml: line 3: ...". A
// tab gets a word of its own, because nobody sees it.
func malformed(path string, data []byte, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				line, text = n, rest
			}
		}
	}
	hint := "correct the line, or move the file away"
	for i, l := range strings.Split(string(data), "\n") {
		if indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]; strings.Contains(indent, "\t") {
			line, text, hint = i+1, "a tab indents the line", "use spaces, which YAML asks for"
			break
		}
	}
	return refuse(path, line, "syntax", hint, errors.New(text))
}

func parseEntry(path string, key, value *yaml.Node, preferences bool) (entry, error) {
	e := entry{name: key.Value, key: key, value: value}
	if key.Kind != yaml.ScalarNode {
		return e, refuse(path, key.Line, "type", `write "key: value" lines`, errors.New("a key is no plain text"))
	}
	if preferences && e.name == current {
		values, err := texts(path, e, false)
		if err == nil && !validName(values[0]) {
			err = refuse(path, value.Line, "value", `run "rely profile use NAME"`, fmt.Errorf("%s is no profile name: %q", current, values[0]))
		}
		e.values = values
		return e, err
	}
	s, err := known(path, key)
	if err != nil {
		return e, err
	}
	if e.values, err = texts(path, e, s.Kind.Many()); err != nil {
		return e, err
	}
	if err := s.check(e.values); err != nil {
		return e, refuse(path, value.Line, "value", "correct the line", err)
	}
	return e, nil
}

// known finds the setting that a key names, and has a word for each way of
// naming none.
func known(path string, key *yaml.Node) (Setting, error) {
	name := key.Value
	s, ok := Find(name)
	switch {
	case ok && s.Profile:
		return s, nil
	case strings.HasPrefix(name, "insecure"):
		return s, refuse(path, key.Line, "insecure", "remove the line, and give the flag each time", fmt.Errorf("%s can only be a flag", name))
	case ok && s.Secret, name == "registration_access_token", name == "client_secret_stdin":
		return s, refuse(path, key.Line, "secret", "remove the line, and give --"+Flag(strings.TrimSuffix(name, "_stdin"))+"-file once: the store keeps the secret",
			fmt.Errorf("%s is a secret, and profiles hold none", name))
	case ok:
		return s, refuse(path, key.Line, "unknown", "give --"+Flag(name)+" or "+Variable(name), fmt.Errorf("%s can stand in no file", name))
	case name == current:
		return s, refuse(path, key.Line, "unknown", "move the line to config.yaml", fmt.Errorf("%s can stand in no profile", name))
	}
	hint := `run "rely help environment" for the settings there are`
	if near := nearest(name); near != "" {
		hint = fmt.Sprintf("write %q, or remove the line", near)
	}
	return s, refuse(path, key.Line, "unknown", hint, fmt.Errorf("there is no setting %q", name))
}

// texts reads an entry's value: a scalar, or a list of them.
func texts(path string, e entry, list bool) ([]string, error) {
	nodes := []*yaml.Node{e.value}
	if list {
		if e.value.Kind != yaml.SequenceNode {
			return nil, refuse(path, e.value.Line, "type", `write one "- VALUE" line for each`, fmt.Errorf("%s is no list", e.name))
		}
		nodes = e.value.Content
	}
	var all []string
	for _, n := range nodes {
		switch {
		case n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0:
			return nil, refuse(path, n.Line, "type", "write one plain value", fmt.Errorf("%s has a value that is no plain text", e.name))
		case n.Tag == "!!null":
			return nil, refuse(path, n.Line, "type", "write a value, or remove the line", fmt.Errorf("%s has no value", e.name))
		}
		all = append(all, n.Value)
	}
	return all, nil
}

// nearest is the key that was probably meant, or "".
func nearest(name string) string {
	var names []string
	for _, s := range Settings() {
		if s.Profile {
			names = append(names, s.Name)
		}
	}
	return fault.Nearest(strings.ReplaceAll(name, "-", "_"), names)
}
