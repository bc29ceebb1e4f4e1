package strictjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// A span is a part of the text, by indexes; empty where there is none.
type span struct{ from, to int }

// text is that of a literal, and nothing for an empty span.
func (s span) text(data []byte) []byte {
	if s.to == 0 {
		return nil
	}
	return unquote(data[s.from:s.to])
}

// A visitor is told each value that lies in an object, with the literal that is
// its name, or in an array, once the value has been passed. depth is 1 for what
// lies in the outermost one. It ends the scan by saying no.
type visitor func(depth int, name, value span) bool

// A scanner passes over one text from front to back, once. Its methods take
// the index where something begins and give the one after it, or -1 where the
// text is wrong. Nothing of it lives on after [scan].
type scanner struct {
	data  []byte
	visit visitor // nil: nobody
	ended bool    // by the visitor
	depth int

	escapes bool    // in any string so far
	table   []int32 // of [scanner.repeatedOfMany]

	deep, repeat int // where text that may be JSON all the same is too deep, and repeats a name; 0: nowhere
}

// few is how many names are compared each with each.
const few = 16

func scan(data []byte, visit visitor) error {
	s := scanner{data: data, visit: visit}
	end := s.value(s.space(0))
	if s.ended || end >= 0 && s.space(end) == len(data) {
		return nil
	}
	return wrong(data, s.deep, s.repeat)
}

// wrong words why the text is refused.
func wrong(data []byte, deep, repeat int) error {
	switch {
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return errors.New("it is empty, not JSON")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return errors.New("it begins with a byte order mark")
	case !utf8.Valid(data):
		return fmt.Errorf("it is not valid UTF-8 at byte %d", invalidUTF8(data))
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is not JSON: %w at byte %d", err, max(e.Offset-1, 0))
	}
	switch {
	case repeat > 0:
		s := scanner{data: data}
		return fmt.Errorf("the member %s is repeated at byte %d", quote(span{repeat, s.text(repeat)}.text(data)), repeat)
	case deep > 0:
		return fmt.Errorf("it is more than %d levels deep at byte %d", MaxDepth, deep)
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

func quote(text []byte) string {
	const most = 64
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
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

func (s *scanner) value(i int) int {
	if i == len(s.data) {
		return -1
	}
	switch s.data[i] {
	case '{':
		return s.nested(i, '}')
	case '[':
		return s.nested(i, ']')
	case '"':
		return s.text(i)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	}
	return s.number(i)
}

// nested passes over an object or an array.
func (s *scanner) nested(i int, closing byte) int {
	if s.depth == MaxDepth {
		s.deep = i
		return -1
	}
	s.depth++
	var room [few]span
	names := room[:0]
	i = s.space(i + 1)
	for more := !s.is(i, closing); more; {
		var name span
		if closing == '}' {
			name = span{i, s.text(i)}
			if i = s.colon(name.to); i < 0 {
				return -1
			}
			names = append(names, name)
		}
		end := s.value(i)
		if end < 0 {
			return -1
		}
		if s.visit != nil && !s.visit(s.depth, name, span{i, end}) {
			s.ended = true
			return -1
		}
		i = s.space(end)
		if more = s.is(i, ','); more {
			i = s.space(i + 1)
		}
	}
	if !s.is(i, closing) || s.repeated(names) {
		return -1
	}
	s.depth--
	return i + 1
}

// colon passes over what lies between a name that ends at i and its value.
func (s *scanner) colon(i int) int {
	if i < 0 {
		return -1
	}
	if i = s.space(i); !s.is(i, ':') {
		return -1
	}
	return s.space(i + 1)
}

// repeated looks for two equal names in one object.
func (s *scanner) repeated(names []span) bool {
	if len(names) > few || s.escapes && len(names) > 1 {
		return s.repeatedOfMany(names)
	}
	for i, n := range names {
		for _, before := range names[:i] {
			if string(s.data[before.from:before.to]) == string(s.data[n.from:n.to]) {
				s.repeat = n.from
				return true
			}
		}
	}
	return false
}

// repeatedOfMany does so with a hash table, whose hash no sender can foresee.
func (s *scanner) repeatedOfMany(names []span) bool {
	size := 1 << bits.Len(uint(2*len(names)))
	if len(s.table) < size {
		s.table = make([]int32, size)
	}
	table, mask, seed := s.table[:size], uint64(size-1), maphash.MakeSeed()
	clear(table)
	for i, n := range names {
		text := n.text(s.data)
		at := maphash.Bytes(seed, text) & mask
		for ; table[at] > 0; at = (at + 1) & mask {
			before := names[table[at]-1]
			if string(before.text(s.data)) == string(text) {
				s.repeat = n.from
				return true
			}
		}
		table[at] = int32(i + 1)
	}
	return false
}

// text passes over a string, where there is one.
func (s *scanner) text(i int) int {
	if !s.is(i, '"') {
		return -1
	}
	for i = s.plain(i + 1); i < len(s.data); i = s.plain(i) {
		switch c := s.data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i); i < 0 {
				return -1
			}
		default: // a character of several bytes, or one of control
			_, size := utf8.DecodeRune(s.data[i:])
			if size == 1 {
				return -1
			}
			i += size
		}
	}
	return -1
}

// plain is the index of the first byte from i on that is a quote, a backslash,
// a control character or not ASCII. It looks at eight at once: a byte's highest
// bit is set where the byte is not ASCII or where a subtraction from it had to
// borrow. Only the lowest of them is certain, because it borrows from the next.
func (s *scanner) plain(i int) int {
	const each, highest = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s.data); i += 8 {
		word := binary.LittleEndian.Uint64(s.data[i:])
		quote, backslash := word^each*'"', word^each*'\\'
		found := (word | (word - each*' ') | (quote - each) | (backslash - each)) & highest
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(s.data) && s.data[i] >= ' ' && s.data[i] < utf8.RuneSelf && s.data[i] != '"' && s.data[i] != '\\' {
		i++
	}
	return i
}

// unquote is the text of a string; it shares memory with one without escapes.
func unquote(literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	var text string
	_ = json.Unmarshal(bytes.Clone(literal), &text) // text that passed
	return []byte(text)
}

// escape passes over a backslash and what belongs to it.
func (s *scanner) escape(i int) int {
	s.escapes = true
	i++
	switch {
	case i == len(s.data):
		return -1
	case s.data[i] != 'u':
		if strings.IndexByte(`"\/bfnrt`, s.data[i]) < 0 {
			return -1
		}
		return i + 1
	}
	end := i + 5
	for i++; i < end; i++ {
		if i == len(s.data) || !hex(s.data[i]) {
			return -1
		}
	}
	return end
}

// word passes over one of the three literals.
func (s *scanner) word(i int, word string) int {
	if end := i + len(word); end <= len(s.data) && string(s.data[i:end]) == word {
		return end
	}
	return -1
}

// number passes over a number (RFC 8259 6).
func (s *scanner) number(i int) int {
	if s.is(i, '-') {
		i++
	}
	if s.is(i, '0') {
		i++
	} else {
		i = s.digits(i)
	}
	if i >= 0 && s.is(i, '.') {
		i = s.digits(i + 1)
	}
	if i >= 0 && (s.is(i, 'e') || s.is(i, 'E')) {
		if i++; s.is(i, '+') || s.is(i, '-') {
			i++
		}
		i = s.digits(i)
	}
	return i
}

// digits passes over one digit or more.
func (s *scanner) digits(i int) int {
	first := i
	for i < len(s.data) && '0' <= s.data[i] && s.data[i] <= '9' {
		i++
	}
	if i == first {
		return -1
	}
	return i
}

// space is the index of the first byte from i on that is not white space.
func (s *scanner) space(i int) int {
	for i < len(s.data) && (s.data[i] == ' ' || s.data[i] == '\n' || s.data[i] == '\t' || s.data[i] == '\r') {
		i++
	}
	return i
}

func (s *scanner) is(i int, c byte) bool { return i < len(s.data) && s.data[i] == c }

func hex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
