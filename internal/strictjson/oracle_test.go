package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// oracle is what Check says in four passes, three of them the standard
// library's.
func oracle(data []byte) error {
	switch {
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return errors.New("it is empty, not JSON")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return errors.New("it begins with a byte order mark")
	case !utf8.Valid(data):
		at := 0
		for size := 0; ; at += size {
			var r rune
			if r, size = utf8.DecodeRune(data[at:]); r == utf8.RuneError && size == 1 {
				break
			}
		}
		return fmt.Errorf("it is not valid UTF-8 at byte %d", at)
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is not JSON: %w at byte %d", err, max(e.Offset-1, 0))
	}
	return oracleWalk(data)
}

// oracleWalk finds repeated names and too much depth in valid JSON.
func oracleWalk(data []byte) error {
	type name struct {
		text string
		at   int
	}
	var open [MaxDepth][]name
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			end := i + 1
			for ; data[end] != '"'; end++ {
				if data[end] == '\\' {
					end++
				}
			}
			var text string
			if after := bytes.TrimLeft(data[end+1:], " \t\r\n"); len(after) > 0 && after[0] == ':' {
				_ = json.Unmarshal(data[i:end+1], &text)
				open[depth-1] = append(open[depth-1], name{text, i})
			}
			i = end
		case '{', '[':
			if depth == MaxDepth {
				return fmt.Errorf("it is more than %d levels deep at byte %d", MaxDepth, i)
			}
			open[depth] = nil
			depth++
		case '}', ']':
			depth--
			seen := map[string]bool{}
			for _, n := range open[depth] {
				if !seen[n.text] {
					seen[n.text] = true
					continue
				}
				quoted := fmt.Sprintf("%q", n.text)
				if len(n.text) > 64 {
					quoted = fmt.Sprintf("%q...", n.text[:64])
				}
				return fmt.Errorf("the member %s is repeated at byte %d", quoted, n.at)
			}
		}
	}
	return nil
}

// FuzzCheck compares with the oracle word for word, and what the package takes
// out of a text with what encoding/json does.
func FuzzCheck(f *testing.F) {
	names := ""
	for n := range 40 {
		names += fmt.Sprintf(`"n%d":%d,`, n, n)
	}
	for _, s := range []string{
		`{"a":1,"a":2}`, `[{"\u0061":[]}, {"a":{}}]`, `"\ud800"`, "[[[[", "1 2", `{"a\\":"\\\"","b":[1,{"c":null}]}`, "\xef\xbb\xbf1",
		`{"a":"\/\b\f\n\r\t\ud83d\ude00\u00e9","b":[true,false,null,"x"]}`, "[0,-0,1.5,-2.5e-3,1E+9,01,-,1.,1e]", "{\"\u00e9\":\"\xff\"}",
		`["a","b",null]`, `["\u12g4","\x"]`, `{` + names + `"n39":0}`, `{"x":{` + names + `"end":{}},` + names + `"x":1}`, "{\"a\":\"\x1f\"}", `[tru,nul]`, "[1,]", "{,}", `{"a"}`,
		strings.Repeat(`{"a":[`, 32) + strings.Repeat("]}", 32), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, want := Check(data), oracle(data)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got != nil {
			return
		}
		compareRead[string](t, data)
		compareRead[bool](t, data)
		compareRead[[]string](t, data)
		if o, err := Object(data); err == nil {
			var m map[string]json.RawMessage
			if err := json.Unmarshal(data, &m); err != nil || !reflect.DeepEqual(o, m) {
				t.Fatalf("got %s, want %s (%v)", o, m, err)
			}
			for name, value := range m {
				if got, ok := Lookup(data, name); !ok || !bytes.Equal(got, value) {
					t.Fatalf("looked up %q: got %s, want %s", name, got, value)
				}
			}
		}
		a, err := Array(data, len(data))
		in, _, errIn := ArrayIn([]byte(`{"x":[0],"in":`+string(data)+"}"), "in", len(data))
		if fmt.Sprint(err) != fmt.Sprint(errIn) && !strings.Contains(fmt.Sprint(errIn), "levels deep") || errIn == nil && fmt.Sprintf("%s", a) != fmt.Sprintf("%s", in) {
			t.Fatalf("got %s, %v in an object, want %s, %v", in, errIn, a, err)
		}
		if err == nil {
			var m []json.RawMessage
			if err := json.Unmarshal(data, &m); err != nil || fmt.Sprintf("%s", a) != fmt.Sprintf("%s", m) {
				t.Fatalf("got %s, want %s (%v)", a, m, err)
			}
		}
	})
}

// compareRead reads into a T here and there.
func compareRead[T any](t *testing.T, data []byte) {
	var got, want T
	data = bytes.Trim(data, " \t\r\n")
	ok := json.Unmarshal(data, &want) == nil
	if Read(data, &got) != ok || ok && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s read as %T: got %v, want %v (%t)", data, got, got, want, ok)
	}
}
