package config

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// edit applies changes to a file's text. Each is tried in the way that touches
// least, and what comes out is read again: every other entry and every comment
// must still be there, or the next way is tried.
func edit(path string, data []byte, preferences bool, changes []Change) ([]byte, error) {
	// The library loses comments between line ends of Windows, so they are put
	// back afterwards, where all lines have them.
	if n := bytes.Count(data, []byte("\r\n")); n > 0 && n == bytes.Count(data, []byte("\n")) {
		after, err := edit(path, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), preferences, changes)
		return bytes.ReplaceAll(after, []byte("\n"), []byte("\r\n")), err
	}
	before, err := parse(path, data, preferences)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		old, has := before.find(c.Name)
		if slices.Equal(old.values, c.Values) {
			continue
		}
		x := editor{doc: before, lines: strings.SplitAfter(string(data), "\n"), old: old, change: c}
		ways := []func() (string, bool){x.sameLine, x.listLines, x.wholeEntry, x.tree}
		if !has {
			ways = []func() (string, bool){x.atEnd, x.tree}
		}
		after, ok := "", false
		for _, way := range ways {
			if after, ok = way(); ok && x.harmless(path, string(data), after, preferences) {
				break
			}
			ok = false
		}
		if !ok {
			return nil, refuse(path, old.line(), "edit", "change the file by hand", errors.New("the line cannot be changed without harm to its neighbours"))
		}
		data = []byte(after)
		if before, err = parse(path, data, preferences); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (e entry) line() int {
	if e.key == nil {
		return 0
	}
	return e.key.Line
}

// An editor makes one change to one text. Its ways of doing so return the new
// text, and false where they do not fit.
type editor struct {
	doc    document
	lines  []string // each with its end
	old    entry    // the one to change; zero if there is none
	change Change
}

// harmless reads the new text and compares: everything else is as before.
func (x editor) harmless(path, before, after string, preferences bool) bool {
	now, err := parse(path, []byte(after), preferences)
	if err != nil {
		return false
	}
	var want []entry
	for _, e := range x.doc.entries {
		if e.name == x.change.Name {
			e.values = x.change.Values
		}
		if len(e.values) > 0 || e.name != x.change.Name {
			want = append(want, e)
		}
	}
	if x.old.key == nil {
		want = append(want, entry{name: x.change.Name, values: x.change.Values})
	}
	same := func(a, b entry) bool { return a.name == b.name && slices.Equal(a.values, b.values) }
	if !slices.EqualFunc(want, now.entries, same) {
		return false
	}
	// Compared as text, because the library forgets a comment now and then.
	for _, c := range commentsOf(x.doc.root) {
		if strings.Count(after, c) < strings.Count(before, c) {
			return false
		}
	}
	return true
}

// commentsOf lists the comments that the library has noted.
func commentsOf(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	var all []string
	for line := range strings.SplitSeq(n.HeadComment+"\n"+n.LineComment+"\n"+n.FootComment, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	for _, c := range n.Content {
		all = append(all, commentsOf(c)...)
	}
	return all
}

// sameLine replaces the value in "key: value # comment".
func (x editor) sameLine() (string, bool) {
	v, n := x.old.value, x.old.value.Line-1
	if len(x.change.Values) == 0 || x.old.key.Line != v.Line || n >= len(x.lines) {
		return "", false
	}
	line := x.lines[n]
	start := v.Column - 1
	if start > len(line) {
		return "", false
	}
	end, ok := valueEnd(line[start:], x.old.values, v.Kind == yaml.SequenceNode)
	if !ok {
		return "", false
	}
	text := scalar(x.change.Values[0])
	if v.Kind == yaml.SequenceNode {
		text = flowList(x.change.Values)
	}
	lines := slices.Clone(x.lines)
	lines[n] = line[:start] + text + line[start+end:]
	return strings.Join(lines, ""), true
}

// valueEnd finds where a value ends at which the line goes on with a comment
// or not at all, by reading what would stand before it.
func valueEnd(rest string, values []string, list bool) (int, bool) {
	body := strings.TrimRight(rest, " \t\r\n")
	for i := 0; i <= len(body); i++ {
		if i < len(body) && (body[i] != '#' || i == 0 || body[i-1] != ' ' && body[i-1] != '\t') {
			continue
		}
		end := len(strings.TrimRight(body[:i], " \t"))
		if got, ok := readValue(body[:end], list); ok && slices.Equal(got, values) {
			return end, true
		}
	}
	return 0, false
}

// readValue reads what stands after "key: ".
func readValue(text string, list bool) ([]string, bool) {
	root, err := parseYAML("", []byte("k: "+text+"\n"))
	if err != nil || root == nil || root.Content[0].Kind != yaml.MappingNode || len(root.Content[0].Content) != 2 || len(commentsOf(root)) > 0 {
		return nil, false
	}
	got, err := texts("", entry{value: root.Content[0].Content[1]}, list)
	return got, err == nil
}

// listLines changes a list that has a line for each of its items.
func (x editor) listLines() (string, bool) {
	v := x.old.value
	if v.Kind != yaml.SequenceNode || v.Style&yaml.FlowStyle != 0 || len(x.change.Values) == 0 || len(v.Content) == 0 {
		return "", false
	}
	done, next := x.old.key.Line, 0 // lines copied, values written
	out := slices.Clone(x.lines[:done])
	indent := ""
	item := func(value string) string { return indent + "- " + scalar(value) + "\n" }
	for _, old := range v.Content {
		if old.Line <= done || old.Line > len(x.lines) {
			return "", false
		}
		out = append(out, x.lines[done:old.Line-1]...)
		line := x.lines[old.Line-1]
		indent = line[:len(line)-len(strings.TrimLeft(line, " "))]
		at := slices.Index(x.change.Values[next:], old.Value)
		if at < 0 {
			out = append(out, x.kept(old.Line-1, old.Line, indent)...)
		} else {
			for _, value := range x.change.Values[next : next+at] {
				out = append(out, item(value))
			}
			next += at + 1
			out = append(out, line)
		}
		done = old.Line
	}
	out[len(out)-1] = ended(out[len(out)-1])
	for _, value := range x.change.Values[next:] {
		out = append(out, item(value))
	}
	return strings.Join(append(out, x.lines[done:]...), ""), true
}

// wholeEntry replaces all lines of an entry, or removes them. Comments inside
// them are kept, each on a line of its own.
func (x editor) wholeEntry() (string, bool) {
	from, to := x.old.key.Line-1, x.end()
	indent := strings.Repeat(" ", x.old.key.Column-1)
	if strings.TrimSpace(x.lines[from][:min(len(indent), len(x.lines[from]))]) != "" {
		return "", false
	}
	out := slices.Clone(x.lines[:from])
	out = append(out, x.kept(from, to, indent)...)
	out = append(out, x.entry(indent)...)
	return strings.Join(append(out, x.lines[to:]...), ""), true
}

// end is the number of the entry's last line.
func (x editor) end() int {
	to := len(x.lines)
	for _, e := range x.doc.entries {
		if l := e.key.Line - 1; l > x.old.key.Line-1 && l < to {
			to = l
		}
	}
	known := append(commentsOf(x.doc.root), "", "...")
	for to > x.old.key.Line {
		if last := strings.TrimSpace(x.lines[to-1]); !slices.Contains(known, last) {
			break
		}
		to--
	}
	return to
}

// kept gives the comments of some lines, as lines. What looks like a comment
// and is part of a text is none: the library knows, but for whole lines in a
// list, some of which it forgets.
func (x editor) kept(from, to int, indent string) []string {
	known := commentsOf(x.doc.root)
	var out []string
	for _, line := range x.lines[from:to] {
		for i := range len(line) {
			tail := strings.TrimSpace(line[i:])
			known := x.old.value.Kind == yaml.SequenceNode && tail == strings.TrimSpace(line) || slices.Contains(known, tail)
			if line[i] == '#' && known && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
				out = append(out, indent+tail+"\n")
				break
			}
		}
	}
	return out
}

// atEnd adds a new entry after everything else.
func (x editor) atEnd() (string, bool) {
	indent := ""
	if len(x.doc.entries) > 0 {
		indent = strings.Repeat(" ", x.doc.entries[0].key.Column-1)
	}
	out := slices.Clone(x.lines)
	if n := len(out); out[n-1] != "" {
		out[n-1] = ended(out[n-1])
	}
	return strings.Join(append(out, x.entry(indent)...), ""), true
}

func ended(line string) string {
	if strings.HasSuffix(line, "\n") {
		return line
	}
	return line + "\n"
}

// entry writes the new entry, and nothing for a removed one.
func (x editor) entry(indent string) []string {
	s, _ := Find(x.change.Name)
	switch {
	case len(x.change.Values) == 0:
		return nil
	case !s.Kind.Many():
		return []string{indent + x.change.Name + ": " + scalar(x.change.Values[0]) + "\n"}
	}
	out := []string{indent + x.change.Name + ":" + "\n"}
	for _, v := range x.change.Values {
		out = append(out, indent+"  - "+scalar(v)+"\n")
	}
	return out
}

// tree changes the tree of nodes and writes all of it anew: the last way, for
// a file in flow style, say.
func (x editor) tree() (string, bool) {
	if x.doc.root == nil || len(x.doc.entries) == 0 {
		return "", false
	}
	var fresh yaml.Node
	if err := yaml.Unmarshal([]byte("k: "+flowList(x.change.Values)), &fresh); err != nil {
		return "", false
	}
	value := fresh.Content[0].Content[1]
	if s, _ := Find(x.change.Name); !s.Kind.Many() && len(x.change.Values) > 0 {
		value = value.Content[0]
	}
	root := *x.doc.root
	top := *root.Content[0]
	root.Content, top.Content = []*yaml.Node{&top}, slices.Clone(top.Content)
	at := slices.Index(top.Content, x.old.key)
	switch {
	case at < 0:
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: x.change.Name}, value)
	case len(x.change.Values) == 0:
		top.Content = slices.Delete(top.Content, at, at+2)
	default:
		old := top.Content[at+1]
		value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
		top.Content[at+1] = value
	}
	out, err := yaml.Marshal(&root)
	return string(out), err == nil
}

// scalar writes a text as YAML: plain if it is then read as the same text and
// as no number or truth value, in double quotes otherwise.
func scalar(text string) string {
	root, err := parseYAML("", []byte("k: "+text+"\n"))
	if err == nil && root != nil && len(commentsOf(root)) == 0 && root.Content[0].Kind == yaml.MappingNode {
		if c := root.Content[0].Content; len(c) == 2 && c[1].Kind == yaml.ScalarNode && c[1].Tag == "!!str" && c[1].Style == 0 && c[1].Value == text {
			return text
		}
	}
	return strconv.Quote(text)
}

func flowList(values []string) string {
	var out []string
	for _, v := range values {
		if text := scalar(v); strings.ContainsAny(text, ",[]{}\"'") {
			v = strconv.Quote(v)
		}
		out = append(out, v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
