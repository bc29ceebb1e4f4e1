package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"rely/internal/fault"
)

// Limits of one file.
const (
	MaxSize  = 64 << 10 // bytes
	maxList  = 100      // steps, origins, fields of a step
	maxText  = 1 << 10  // bytes of one text
	longWait = time.Minute
)

// Parse reads a recipe. path stands in its errors, all of kind Config:
//
//	recipe.size       it has more than [MaxSize] bytes
//	recipe.syntax     it is no YAML, or several documents
//	recipe.type       a list where a text belongs, and the like
//	recipe.unknown    a key that is none of [Keys]
//	recipe.duplicate  a key that stands there twice
//	recipe.value      a value that makes no sense, or one that is missing
func Parse(path string, data []byte) (Recipe, error) {
	p := parser{path}
	if len(data) > MaxSize {
		return Recipe{}, p.refuse(0, "size", fmt.Errorf("it has more than %d bytes", MaxSize))
	}
	root, err := p.document(data)
	if err != nil {
		return Recipe{}, err
	}
	keys, err := p.mapping("", root)
	if err != nil {
		return Recipe{}, err
	}
	var r Recipe
	for _, n := range keys["allow_origin"].list {
		text, err := p.text(n)
		if err != nil {
			return Recipe{}, err
		}
		plain, err := Origin(text)
		if err != nil {
			return Recipe{}, p.refuse(n.Line, "value", fmt.Errorf("allow_origin has %q: %w", text, err))
		}
		r.AllowOrigin = append(r.AllowOrigin, plain)
	}
	for _, n := range keys["steps"].list {
		s, err := p.step(n)
		if err != nil {
			return Recipe{}, err
		}
		r.Steps = append(r.Steps, s)
	}
	if len(r.Steps) == 0 {
		return Recipe{}, p.refuse(root.Line, "value", errors.New("there are no steps in it"))
	}
	return r, nil
}

type parser struct{ path string }

func (p parser) refuse(line int, id string, err error) error {
	at := p.path
	if line > 0 {
		at += ":" + strconv.Itoa(line)
	}
	return &fault.Error{Kind: fault.Config, ID: "recipe." + id, Op: "read the recipe " + at,
		Hint: "correct it: docs/reference/recipes.md has every key", Err: err}
}

func (p parser) document(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil, p.refuse(0, "value", errors.New("there is nothing in it"))
	}
	if err == nil {
		if err = decoder.Decode(&more); err == nil {
			return nil, p.refuse(more.Line, "syntax", errors.New("it has a second YAML document"))
		}
	}
	if !errors.Is(err, io.EOF) {
		text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
		if rest, ok := strings.CutPrefix(text, "line "); ok {
			if number, rest, ok := strings.Cut(rest, ": "); ok {
				if n, err := strconv.Atoi(number); err == nil {
					line, text = n, rest
				}
			}
		}
		return nil, p.refuse(line, "syntax", errors.New(text))
	}
	return doc.Content[0], nil
}

// A field is the value of one key, taken apart for its kind.
type field struct {
	node *yaml.Node
	list []*yaml.Node // of a list
}

// mapping reads the keys of one place of the file, those of the table alone.
func (p parser) mapping(in string, n *yaml.Node) (map[string]field, error) {
	what := in
	if in == "" {
		what = "the file"
	}
	if n.Kind != yaml.MappingNode {
		return nil, p.refuse(n.Line, "type", fmt.Errorf("%s is no mapping of keys to values", what))
	}
	out := map[string]field{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		known := slices.ContainsFunc(Keys(), func(k Key) bool { return k.In == in && k.Name == key.Value })
		if key.Kind != yaml.ScalarNode || !known {
			return nil, p.refuse(key.Line, "unknown", fmt.Errorf("%s has no key %q", what, key.Value))
		}
		if _, there := out[key.Value]; there {
			return nil, p.refuse(key.Line, "duplicate", fmt.Errorf("%s has %s twice", what, key.Value))
		}
		f := field{node: value}
		switch key.Value {
		case "allow_origin", "steps", "fill":
			if value.Kind != yaml.SequenceNode {
				return nil, p.refuse(value.Line, "type", fmt.Errorf("%s is no list", key.Value))
			}
			if f.list = value.Content; len(f.list) > maxList {
				return nil, p.refuse(value.Line, "value", fmt.Errorf("%s has more than %d entries", key.Value, maxList))
			}
		}
		out[key.Value] = f
	}
	return out, nil
}

// text reads one plain text, as it stands in the file: 0123 stays 0123.
func (p parser) text(n *yaml.Node) (string, error) {
	switch {
	case n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0 || n.Tag == "!!null":
		return "", p.refuse(n.Line, "type", errors.New("a plain text belongs here"))
	case n.Value == "" || len(n.Value) > maxText:
		return "", p.refuse(n.Line, "value", fmt.Errorf("a text of 1 to %d bytes belongs here", maxText))
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		return "", p.refuse(n.Line, "value", errors.New("the text holds a control character"))
	}
	return n.Value, nil
}

// texts reads texts into the places that keys name; one that is not there is
// left empty.
func (p parser) texts(keys map[string]field, to map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(to)) {
		f, there := keys[name]
		if !there {
			continue
		}
		text, err := p.text(f.node)
		if err != nil {
			return err
		}
		*to[name] = text
	}
	return nil
}

func (p parser) step(n *yaml.Node) (Step, error) {
	s := Step{Line: n.Line}
	keys, err := p.mapping("step", n)
	if err != nil {
		return s, err
	}
	if err := p.texts(keys, map[string]*string{"click": &s.Click}); err != nil {
		return s, err
	}
	if f, there := keys["match"]; there {
		if err := p.condition("match", f.node, &s.Match, nil); err != nil {
			return s, err
		}
	}
	if s.Match.Empty() {
		return s, p.refuse(n.Line, "value", errors.New("the step has no match"))
	}
	for _, f := range keys["fill"].list {
		fill, err := p.fill(f)
		if err != nil {
			return s, err
		}
		s.Fill = append(s.Fill, fill)
	}
	if f, there := keys["wait"]; there {
		if s.Wait, err = p.wait(f.node); err != nil {
			return s, err
		}
	}
	if f, there := keys["expect"]; there {
		if err := p.condition("expect", f.node, &s.Expect.Condition, &s.Expect.Failure); err != nil {
			return s, err
		}
	}
	if len(s.Fill) == 0 && s.Click == "" {
		return s, p.refuse(n.Line, "value", errors.New("the step neither fills in nor clicks anything"))
	}
	return s, nil
}

func (p parser) condition(in string, n *yaml.Node, c *Condition, failure *string) error {
	keys, err := p.mapping(in, n)
	if err != nil {
		return err
	}
	to := map[string]*string{"url": &c.URL, "title": &c.Title, "text": &c.Text, "field": &c.Field}
	if failure != nil {
		to["failure"] = failure
	}
	if err := p.texts(keys, to); err != nil {
		return err
	}
	if c.Empty() {
		return p.refuse(n.Line, "value", fmt.Errorf("%s has none of url, title, text and field", in))
	}
	if c.URL != "" && !strings.HasPrefix(c.URL, "/") && !strings.HasPrefix(c.URL, "https://") && !strings.HasPrefix(c.URL, "http://") {
		return p.refuse(keys["url"].node.Line, "value", errors.New("the url begins neither with https:// nor with /"))
	}
	return nil
}

func (p parser) fill(n *yaml.Node) (Fill, error) {
	var f Fill
	keys, err := p.mapping("fill", n)
	if err != nil {
		return f, err
	}
	if err := p.texts(keys, map[string]*string{"field": &f.Field, "value": &f.Value, "text": &f.Text}); err != nil {
		return f, err
	}
	switch {
	case f.Field == "":
		return f, p.refuse(n.Line, "value", errors.New("the fill names no field"))
	case (f.Value == "") == (f.Text == ""):
		return f, p.refuse(n.Line, "value", errors.New("the fill has to have either value or text"))
	case f.Value != "" && !slices.Contains(Values(), f.Value):
		return f, p.refuse(keys["value"].node.Line, "value", fmt.Errorf("the value %q is none of %s", f.Value, strings.Join(Values(), ", ")))
	}
	return f, nil
}

func (p parser) wait(n *yaml.Node) (Wait, error) {
	w := Wait{For: 10 * time.Second}
	keys, err := p.mapping("wait", n)
	if err != nil {
		return w, err
	}
	var d string
	if err := p.texts(keys, map[string]*string{"text": &w.Text, "field": &w.Field, "for": &d}); err != nil {
		return w, err
	}
	if d != "" {
		if w.For, err = time.ParseDuration(d); err != nil || w.For <= 0 || w.For > longWait {
			return w, p.refuse(keys["for"].node.Line, "value", fmt.Errorf("%q is no time such as 5s, 1m at most", d))
		}
	}
	if w.Text == "" && w.Field == "" && d == "" {
		return w, p.refuse(n.Line, "value", errors.New("wait has none of text, field and for"))
	}
	return w, nil
}
