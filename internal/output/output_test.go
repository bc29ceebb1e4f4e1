package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"rely/internal/fault"
)

func example() Result {
	return Result{
		Schema: "example/1",
		JSON: map[string]any{
			"sub": "alice", "n": 12345678901234567, "yes": true, "list": []string{"a", "b\x1b[2J"}, "empty": map[string]any{},
			"address": map[string]any{"street": "1 < 2 & 'x'", "no": "null"}, "evil\u202e": "\u009b31m \U000e0041",
		},
		Vars: []Var{{"RELY_X", "it's"}}, Header: "Authorization: Bearer x", Raw: "x",
		Document: func(format string) (string, error) { return "as " + format + "\n", nil },
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"text": "address:\n  no      null\n  street  1 < 2 & 'x'\nempty:\nevil\\u202e  \\x9b31m \\U000e0041\nlist        a b\\x1b[2J\n" +
			"n           12345678901234567\nsub         alice\nyes         true\n",
		"json": `{
  "schema": "example/1",
  "result": {
    "address": {
      "no": "null",
      "street": "1 < 2 & 'x'"
    },
    "empty": {},
    "evil\u202e": "\u009b31m \udb40\udc41",
    "list": [
      "a",
      "b\u001b[2J"
    ],
    "n": 12345678901234567,
    "sub": "alice",
    "yes": true
  }
}
`,
		"yaml": `schema: example/1
result:
  address:
    "no": "null"
    street: "1 < 2 & 'x'"
  empty: {}
  "evil\u202e": "\u009b31m \U000e0041"
  list:
    - a
    - "b\u001b[2J"
  "n": 12345678901234567
  sub: alice
  "yes": true
`,
		"env":    "export RELY_X='it'\\''s'\n",
		"header": "Authorization: Bearer x\n",
		"raw":    "x\n",

		"sarif": "as sarif\n", "junit": "as junit\n", "markdown": "as markdown\n", "github": "as github\n",
	} {
		var b bytes.Buffer
		if err := Print(&b, format, example()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if got := b.String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestEveryFormatHasAGolden(t *testing.T) {
	t.Parallel()
	for _, e := range All() {
		var b bytes.Buffer
		err := Print(&b, e.Name, Result{Schema: "bare/1", JSON: map[string]string{"a": "b"}})
		switch e.Name {
		case "env", "header", "raw", "sarif", "junit", "markdown", "github":
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%s without that form: got %v, want a usage fault", e.Name, err)
			}
		default:
			if err != nil || b.Len() == 0 {
				t.Errorf("%s: got %q, %v", e.Name, b.String(), err)
			}
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("\x1b]0;x\a\u2028\u202e\U000e0041\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := Print(&b, "json", Result{Schema: "f/1", JSON: map[string]string{"s": s}}); err != nil {
			t.Fatal(err)
		}
		var back struct{ Result map[string]string }
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Result["s"] != strings.ToValidUTF8(s, "\ufffd") && !strings.Contains(s, "\xff") && len(back.Result["s"]) == 0 && s != "" {
			t.Fatalf("%q came back as %q, %v", s, back.Result["s"], err)
		}
		for _, c := range b.String() {
			if c != '\n' && fault.Visible(string(c)) != string(c) {
				t.Fatalf("%q shows %U", s, c)
			}
		}
	})
}
