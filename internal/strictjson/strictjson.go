// Package strictjson reads JSON that strangers wrote: exactly one value, valid
// UTF-8, no byte order mark, no repeated member names, bounded depth. It
// refuses what encoding/json lets pass in silence and decodes nothing into
// structs, whose fields encoding/json also fills from names in another case.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 64

// Check reports whether data is exactly one JSON value in valid UTF-8, without
// a byte order mark, without repeated member names in any object (RFC 8259 4,
// RFC 7519 4) and at most [MaxDepth] deep. Two names are the same when they
// are equal after their escapes are resolved. The error says what is wrong and
// at which byte, counted from 0, and quotes at most 64 bytes of a name.
func Check(data []byte) error {
	switch {
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return errors.New("it is empty, not JSON")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return errors.New("it begins with a byte order mark")
	case !utf8.Valid(data):
		return fmt.Errorf("it is not valid UTF-8 at byte %d", invalidUTF8(data))
	case !json.Valid(data):
		return syntax(data)
	}
	return walk(data)
}

// Object is [Check] for data that must be an object. The values share memory
// with data; a member whose value is null is there.
func Object(data []byte) (map[string]json.RawMessage, error) {
	if err := Check(data); err != nil {
		return nil, err
	}
	i := space(data, 0)
	if data[i] != '{' {
		return nil, fmt.Errorf("it is %s, not a JSON object", kind(data[i]))
	}
	all := make(map[string]json.RawMessage)
	members(data, i, func(name, value []byte) bool {
		all[string(unquote(name))] = value
		return true
	})
	return all, nil
}

// Array takes apart an array in text that [Check] has passed; more than most
// elements are an error. The elements share memory with data.
func Array(data []byte, most int) ([]json.RawMessage, error) {
	i := space(data, 0)
	if i == len(data) {
		return nil, errors.New("it is empty, not a JSON array")
	}
	if data[i] != '[' {
		return nil, fmt.Errorf("it is %s, not a JSON array", kind(data[i]))
	}
	var all []json.RawMessage
	for i = space(data, i+1); data[i] != ']'; i = space(data, i) {
		if len(all) == most {
			return nil, fmt.Errorf("it has more than %d elements", most)
		}
		end := valueEnd(data, i)
		all = append(all, data[i:end:end])
		if i = space(data, end); data[i] == ',' {
			i = space(data, i+1)
		}
	}
	return all, nil
}

// Lookup finds a member of an object in text that [Check] has passed, without
// building a map. It reports false for a missing member and for text that is
// no object. The value shares memory with data.
func Lookup(data []byte, name string) (value json.RawMessage, found bool) {
	i := space(data, 0)
	if i == len(data) || data[i] != '{' {
		return nil, false
	}
	members(data, i, func(n, v []byte) bool {
		if string(unquote(n)) == name {
			value, found = v, true
		}
		return !found
	})
	return value, found
}

// A name is one member name of an object that is still open.
type name struct {
	text []byte // escapes resolved
	at   int
}

// walk finds repeated names and too much depth in valid JSON. It keeps the
// names of the open objects on one stack and looks at an object when it ends.
func walk(data []byte) error {
	var names []name
	var starts [MaxDepth]int
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			end := stringEnd(data, i)
			if after := space(data, end); after < len(data) && data[after] == ':' {
				names = append(names, name{unquote(data[i:end]), i})
			}
			i = end - 1
		case '{', '[':
			if depth == MaxDepth {
				return fmt.Errorf("it is more than %d levels deep at byte %d", MaxDepth, i)
			}
			starts[depth] = len(names)
			depth++
		case '}', ']':
			depth--
			if n, ok := repeated(names[starts[depth]:]); ok {
				return fmt.Errorf("the member %s is repeated at byte %d", quote(n.text), n.at)
			}
			names = names[:starts[depth]]
		}
	}
	return nil
}

// repeated gives the second of two equal names, and reorders names.
func repeated(names []name) (name, bool) {
	if len(names) > 16 {
		sort.Sort(byText(names))
		for i, n := range names[1:] {
			if bytes.Equal(names[i].text, n.text) {
				return n, true
			}
		}
		return name{}, false
	}
	for i, n := range names { // nearly every object: no quicker by order
		for _, before := range names[:i] {
			if bytes.Equal(before.text, n.text) {
				return n, true
			}
		}
	}
	return name{}, false
}

type byText []name

func (n byText) Len() int      { return len(n) }
func (n byText) Swap(a, b int) { n[a], n[b] = n[b], n[a] }
func (n byText) Less(a, b int) bool {
	by := bytes.Compare(n[a].text, n[b].text)
	return by < 0 || by == 0 && n[a].at < n[b].at
}

// members calls yield with each raw name and value of the object that begins
// at data[i], until yield says no.
func members(data []byte, i int, yield func(name, value []byte) bool) {
	for i = space(data, i+1); data[i] != '}'; i = space(data, i) {
		nameEnd := stringEnd(data, i)
		start := space(data, space(data, nameEnd)+1)
		end := valueEnd(data, start)
		if !yield(data[i:nameEnd], data[start:end:end]) {
			return
		}
		if i = space(data, end); data[i] == ',' {
			i = space(data, i+1)
		}
	}
}

// valueEnd is the index after the value that begins at data[i].
func valueEnd(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			for i < len(data) && strings.IndexByte(" \t\r\n,]}", data[i]) < 0 {
				i++
			}
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

// stringEnd is the index after the string whose opening quote is data[i].
func stringEnd(data []byte, i int) int {
	i++
	for i < len(data) {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			return len(data)
		}
		// Each byte is looked at for a quote once, however many are escaped.
		for quote += i; i <= quote; {
			escape := bytes.IndexByte(data[i:quote], '\\')
			if escape < 0 {
				return quote + 1
			}
			i += escape + 2
		}
	}
	return len(data)
}

// space is the index of the first byte from i on that is not white space.
func space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

// unquote is the text of a string literal; it shares memory with the literal
// where that has no escapes.
func unquote(literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	var s string
	// The literal is part of valid JSON.
	_ = json.Unmarshal(literal, &s)
	return []byte(s)
}

func quote(text []byte) string {
	const most = 64
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

func syntax(data []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is not JSON: %w at byte %d", err, max(e.Offset-1, 0))
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

func invalidUTF8(data []byte) int {
	i := 0
	for i < len(data) {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		i += size
	}
	return i
}

func kind(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
