package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	cases := map[string]struct{ in, want string }{
		"an object":                           {`{"a":1,"b":[{"a":1},{"a":2}]}`, ""},
		"the same name at two levels":         {`{"a":{"a":{"a":1}},"b":{"a":1}}`, ""},
		"a name that is also a value":         {`{"a":"a","b":"a"}`, ""},
		"a scalar with space around":          {" \n1.5e300\t", ""},
		"names that differ in case":           {`{"a":1,"A":2}`, ""},
		"as deep as it may be":                {deep(MaxDepth), ""},
		"braces and quotes in strings":        {`{"a":"}\"{[","b\"":"\\"}`, ""},
		"a repeated name":                     {`{"iss":1, "sub":2, "iss":3}`, `the member "iss" is repeated at byte 19`},
		"a repeated empty name":               {`{"":1,"":1}`, `the member "" is repeated at byte 6`},
		"a repeated name below":               {`[{"x":{"a":1,"b":{},"a":2}}]`, `the member "a" is repeated at byte 20`},
		"a repeated name after a deeper one":  {`{"a":{"b":1},"a":2}`, `the member "a" is repeated at byte 13`},
		"a name repeated by an escape":        {`{"aud":1,"\u0061ud":2}`, `the member "aud" is repeated at byte 9`},
		"two lone surrogates are one name":    {`{"\ud800":1,"\ud801":2}`, `is repeated at byte 12`},
		"a long repeated name":                {`{"` + strings.Repeat("n", 99) + `":1,"` + strings.Repeat("n", 99) + `":1}`, strings.Repeat("n", 64) + `"... is repeated`},
		"too deep":                            {deep(MaxDepth + 1), "more than 64 levels deep at byte 64"},
		"so deep that a parser may give up":   {deep(100_000), "depth"},
		"nothing":                             {"", "it is empty"},
		"space":                               {" \r\n", "it is empty"},
		"a byte order mark":                   {"\xef\xbb\xbf{}", "byte order mark"},
		"UTF-16":                              {"\xff\xfe{\x00}\x00", "not valid UTF-8 at byte 0"},
		"a broken sequence in a string":       {"{\"a\":\"\xc3\"}", "not valid UTF-8 at byte 6"},
		"an encoded surrogate":                {"\"\xed\xa0\x80\"", "not valid UTF-8 at byte 1"},
		"two values":                          {`{}{}`, "after top-level value at byte 2"},
		"half a value":                        {`{"a":`, "unexpected end"},
		"HTML":                                {"<html>", "not JSON"},
		"not a number":                        {"NaN", "not JSON"},
		"a comma too many":                    {"[1,]", "at byte 3"},
		"a control character inside a string": {"\"a\x00b\"", "not JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check([]byte(c.in))
			if c.want == "" && err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	got, err := Object([]byte(" { \"a\" : 1 , \"\\u0062\":[ {\"x\":\"}\"} , 2 ] ,\"c\":null,\"d\":-1.5e3,\"e\":\"\\\"\", \"f\":{}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]json.RawMessage{
		"a": json.RawMessage(`1`), "b": json.RawMessage(`[ {"x":"}"} , 2 ]`), "c": json.RawMessage(`null`),
		"d": json.RawMessage(`-1.5e3`), "e": json.RawMessage(`"\""`), "f": json.RawMessage(`{}`),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	for in, want := range map[string]string{
		"null": "it is null, not a JSON object", "[]": "it is an array, not", `"a"`: "it is a string, not",
		"true": "it is true or false, not", "-1": "it is a number, not", "{": "unexpected end",
	} {
		if _, err := Object([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Object(%s): got %v, want %q", in, err, want)
		}
	}
}

func TestArray(t *testing.T) {
	t.Parallel()
	got, err := Array([]byte(` [ {"a":[1,2]} , "]" ,3,[] ] `), 4)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%s", got); s != `[{"a":[1,2]} "]" 3 []]` {
		t.Errorf("got %s", s)
	}
	if got, err := Array([]byte("[]"), 0); err != nil || len(got) != 0 {
		t.Errorf("got %s, %v, want nothing", got, err)
	}
	for in, want := range map[string]string{"[1,2,3,4,5]": "more than 4 elements", "{}": "an object, not a JSON array", " ": "it is empty"} {
		if _, err := Array([]byte(in), 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Array(%s): got %v, want %q", in, err, want)
		}
	}
}

func TestArrayIn(t *testing.T) {
	t.Parallel()
	data := []byte(` {"x":[1,[2]],"\u006beys" : [ {"a":["keys"]} , 2 ],"y":[3]}`)
	got, found, err := ArrayIn(data, "keys", 2)
	if s := fmt.Sprintf("%s", got); s != `[{"a":["keys"]} 2]` || !found || err != nil {
		t.Errorf("got %s, %t, %v", s, found, err)
	}
	for in, want := range map[string]struct {
		found bool
		err   string
	}{
		`{"keys":[1,2,3]}`: {true, "more than 2 elements"}, `{"keys":{"a":1}}`: {true, "an object, not a JSON array"}, `{"keys":null}`: {true, "it is null"},
		`{"a":{"keys":[1]}}`: {}, `["keys",[1]]`: {}, `{"keys":[1],"keys":[2]}`: {false, "repeated"}, `{"keys":[1]`: {false, "unexpected end"},
	} {
		got, found, err := ArrayIn([]byte(in), "keys", 2)
		if len(got) != 0 || found != want.found || (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("ArrayIn(%s): got %s, %t, %v", in, got, found, err)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	data := []byte(`{"x":{"kid":"inner"},"\u006bid":"a","KID":"b"}`)
	if v, ok := Lookup(data, "kid"); !ok || string(v) != `"a"` {
		t.Errorf(`got %s, %v, want "a"`, v, ok)
	}
	if v, ok := Lookup(data, "kty"); ok {
		t.Errorf("got %s for a missing member", v)
	}
	if _, ok := Lookup([]byte("[]"), "a"); ok {
		t.Error("found a member in an array")
	}
}

func TestManyNamesCostLittle(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("{")
	for i := range 100_000 {
		fmt.Fprintf(&b, "\"%d\":0,", i)
	}
	b.WriteString(`"7":0}`)
	if err := Check(b.Bytes()); err == nil || !strings.Contains(err.Error(), `"7" is repeated`) {
		t.Errorf("got %v, want the repeated name", err)
	}
	small := []byte(`{"issuer":"https://op.example","keys":[{"kty":"EC","kid":"1"}]}`)
	if n := testing.AllocsPerRun(10, func() { _ = Check(small) }); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
