package foreign

import (
	"strings"

	"rely/internal/fault"
)

const (
	errNoIdentifier fault.Cause = "it is no identifier"
	errEnd          fault.Cause = "a string or a bracket that begins here is not closed"
)

// How large a value may become: NAME = NAME + NAME doubles with each line.
const (
	maxText  = 64 << 10
	maxItems = 1000
	maxDepth = 20
)

const notRun = "it is Python code, which is not run"

// A python reads assignments of plain values to names: strings, joined or not,
// numbers, True, False, None, lists and tuples of them. Everything else is
// passed over and said to be.
type python struct {
	*reader
	text  string
	at    int
	line  int
	names map[string]int // place in all
	all   []value
}

// parsePython reads Python's assignments without running anything.
func (r *reader) parsePython(text string) ([]value, error) {
	p := &python{reader: r, text: strings.ReplaceAll(text, "\r\n", "\n"), line: 1, names: map[string]int{}}
	for p.at < len(p.text) {
		if err := p.statement(); err != nil {
			return nil, err
		}
	}
	return p.all, nil
}

// statement reads one logical line.
func (p *python) statement() error {
	start, line := p.at, p.line
	indented := p.blanks(false)
	if p.end() {
		p.next()
		return nil
	}
	v := value{key: p.word(), line: line, odd: notRun}
	named := v.key != ""
	p.blanks(false)
	if named && !indented && p.peek(0) == '=' && p.peek(1) != '=' {
		p.at++
		p.blanks(false)
		o, err := p.expression(0)
		p.blanks(false)
		if err == nil && o.plain && p.end() {
			v.texts, v.odd = o.texts, ""
			p.next()
			p.keep(v, o)
			return nil
		}
	}
	p.at, p.line = start, line
	if err := p.skip(); err != nil {
		return p.refuse(p.line, v.key, err)
	}
	if v.key == "" {
		v.key = "a line"
	}
	if indented {
		v.odd = "it stands inside a block, which is not run"
	}
	p.keep(v, object{})
	return nil
}

// keep notes a value; the last one of a name counts, as in Python.
func (p *python) keep(v value, o object) {
	if n, there := p.names[v.key]; there && v.odd == "" {
		p.note("%s stands on lines %d and %d: the later one counts, as in Python", v.key, p.all[n].line, v.line)
		p.all[n] = v
		return
	}
	if v.odd == "" {
		p.names[v.key] = len(p.all)
	}
	p.all = append(p.all, v)
}

// An object is the value of an expression.
type object struct {
	texts []string
	text  bool // it is one string
	list  bool
	plain bool // it is what the source says, without running anything
}

// expression is one operand, or several joined by +.
func (p *python) expression(depth int) (object, error) {
	left, err := p.operand(depth)
	for err == nil && left.plain {
		mark, line := p.at, p.line
		p.blanks(depth > 0)
		if p.peek(0) != '+' {
			p.at, p.line = mark, line
			return left, nil
		}
		p.at++
		p.blanks(depth > 0)
		var right object
		if right, err = p.operand(depth); err != nil {
			return object{}, err
		}
		left = join(left, right)
	}
	return left, err
}

func join(a, b object) object {
	switch {
	case a.text && b.text && len(a.texts[0])+len(b.texts[0]) <= maxText:
		return object{texts: []string{a.texts[0] + b.texts[0]}, text: true, plain: true}
	case a.list && b.list && len(a.texts)+len(b.texts) <= maxItems:
		return object{texts: append(append([]string{}, a.texts...), b.texts...), list: true, plain: a.plain && b.plain}
	}
	return object{}
}

func (p *python) operand(depth int) (object, error) {
	if depth > maxDepth {
		return object{}, nil
	}
	switch c := p.peek(0); {
	case c == '[' || c == '(':
		return p.bracket(depth + 1)
	case c == '\'' || c == '"':
		return p.literals("", depth)
	case c == '-' || c >= '0' && c <= '9':
		return p.number(), nil
	}
	word := p.word()
	switch c := p.peek(0); {
	case word == "":
	case c == '\'' || c == '"':
		return p.literals(word, depth)
	case word == "None":
		return object{plain: true}, nil
	case word == "True" || word == "False":
		return object{texts: []string{strings.ToLower(word)}, plain: true}, nil
	default:
		if n, there := p.names[word]; there && len(p.all[n].texts) == 1 {
			return object{texts: p.all[n].texts, text: true, plain: true}, nil
		}
	}
	return object{}, nil
}

func (p *python) number() object {
	start := p.at
	if p.peek(0) == '-' {
		p.at++
	}
	for c := p.peek(0); c >= '0' && c <= '9' || c == '_' || c == '.'; c = p.peek(0) {
		p.at++
	}
	return object{texts: []string{strings.ReplaceAll(p.text[start:p.at], "_", "")}, plain: p.at > start}
}

// bracket reads a list, a tuple, or an expression in parentheses.
func (p *python) bracket(depth int) (object, error) {
	closing := byte(']')
	if p.peek(0) == '(' {
		closing = ')'
	}
	p.at++
	out := object{list: true, plain: true}
	commas := 0
	for {
		p.blanks(true)
		if p.at >= len(p.text) {
			return object{}, errEnd
		}
		if p.peek(0) == closing {
			p.at++
			if closing == ')' && commas == 0 && len(out.texts) == 1 {
				out.list, out.text = false, true
			}
			return out, nil
		}
		item, err := p.expression(depth)
		if err != nil || !item.plain || item.list || len(out.texts) >= maxItems {
			return object{}, err
		}
		out.texts = append(out.texts, item.texts...)
		p.blanks(true)
		if p.peek(0) == ',' {
			p.at++
			commas++
		} else if p.peek(0) != closing {
			return object{}, nil
		}
	}
}
