package config

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// odd is a profile as people write them.
const odd = `# Our staging provider.
# Ask Ann before changing the issuer.

---
issuer:   "https://op.example/a#b" # keep the fragment? no

# who we are
client_id: 0123 # looks like a number
'scope': 'openid   it''s # no comment'   # scopes


redirect_uri: "https://127.0.0.1:8400/call\u0062ack"
flow: >-
  code
  # not a comment, but text
browser: person
  alice   # continued

param: # of the request
  # the first
  - prompt=login # always

  - "acr_values=a b"
  # between
  - audience=x
token_param: [a=b, 'c=d, e'] # in a row
min_ttl: 90s
# the end

# really
`

func mustEdit(t *testing.T, text string, changes ...Change) string {
	t.Helper()
	got, err := edit("p.yaml", []byte(text), false, changes)
	if err != nil {
		t.Fatalf("%v: %v\n%s", changes, err, text)
	}
	return string(got)
}

func TestEditTouchesNothingElse(t *testing.T) {
	t.Parallel()
	type test struct {
		before string
		change Change
		want   string
	}
	cases := map[string]test{}
	add := func(name, before, key, want string, values ...string) {
		cases[name] = test{before, Change{key, values}, want}
	}
	add("a value keeps its comment", "scope:  a   # why\n\nflow: code\n", "scope", "scope:  b   # why\n\nflow: code\n", "b")
	add("a hash in quotes is no comment", "scope: 'a # b' # c\n", "scope", "scope: d # c\n", "d")
	add("a number stays a text", "client_id: x\n", "client_id", "client_id: \"0123\"\n", "0123")
	add("a value that YAML would misread", "scope: x\n", "scope", "scope: \"a: b # c\"\n", "a: b # c")
	add("an empty value", "scope: x\n", "scope", "scope: \"\"\n", "")
	add("a new key comes last", "scope: x\n# end\n", "flow", "scope: x\n# end\nflow: code\n", "code")
	add("a new key after a line without end", "scope: x", "flow", "scope: x\nflow: code\n", "code")
	add("a new key in an empty file", "", "flow", "flow: code\n", "code")
	add("a new key below comments alone", "# hello\n\n", "flow", "# hello\n\nflow: code\n", "code")
	add("line ends of Windows", "scope: x\r\nflow: y\r\n", "scope", "scope: z\r\nflow: y\r\n", "z")
	add("a new key with line ends of Windows", "scope: x\r\n", "flow", "scope: x\r\nflow: y\r\n", "y")
	add("an indented file", "  scope: x\n", "flow", "  scope: x\n  flow: y\n", "y")
	add("a removed line leaves its comment", "# one\nscope: x # two\n\nflow: y\n", "scope", "# one\n# two\n\nflow: y\n")
	add("the only line removed", "scope: x\n", "scope", "")
	add("a new list", "scope: x\n", "param", "scope: x\nparam:\n  - a=b\n  - c=d e\n", "a=b", "c=d e")
	add("a longer list", "param:\n- a=b # one\n\n# two\n- c=d\nflow: x\n", "param", "param:\n- a=b # one\n\n# two\n- c=d\n- e=f\nflow: x\n", "a=b", "c=d", "e=f")
	add("a shorter list", "param:\n- a=b # one\n# two\n- c=d\n", "param", "param:\n# one\n# two\n- c=d\n", "c=d")
	add("a list in a row", "param: [a=b] # c\n", "param", "param: [a=b, \"c=d, e\"] # c\n", "a=b", "c=d, e")
	add("a folded text", "flow: >-\n  a\n  b\n\n# c\nscope: x\n", "flow", "flow: d\n\n# c\nscope: x\n", "d")
	add("a text over two lines", "flow: a\n  b # c\nscope: x\n", "flow", "# c\nflow: d\nscope: x\n", "d")
	add("a list removed", "param:\n  # one\n  - a=b # two\nscope: x # three\n", "param", "# one\n# two\nscope: x # three\n")
	add("a file in flow style", "{scope: a, flow: b}\n", "scope", "{scope: c, flow: b}\n", "c")
	add("a key more in flow style", "{scope: a}\n", "flow", "{scope: a, flow: b}\n", "b")
	add("a file with an end", "scope: a\n...\n", "flow", "scope: a\nflow: b\n", "b")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustEdit(t, c.before, c.change); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAHundredRandomEditsKeepCommentsAndOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		for name, text := range map[string]string{"unix": odd, "windows": strings.ReplaceAll(odd, "\n", "\r\n")} {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				t.Parallel()
				randomEdits(t, rand.New(rand.NewPCG(seed, 1)), text)
			})
		}
	}
}

func randomEdits(t *testing.T, r *rand.Rand, text string) {
	words := []string{"x", "0x1F", "a b", "true", "# hash", "it's", `say "hi"`, "a: b", "- a", "[1]", "caf\u00e9", "~", "yes", "{", "@a", "%", "a #b", "!x", "*y", " lead"}
	want := []string{"# Our staging provider.", "# Ask Ann before changing the issuer.", "# keep the fragment? no", "# who we are",
		"# looks like a number", "# scopes", "# continued", "# of the request", "# the first", "# always", "# between", "# in a row", "# the end", "# really"}
	for range 100 {
		before, err := parse("p.yaml", []byte(text), false)
		if err != nil {
			t.Fatal(err)
		}
		c := randomChange(r, words)
		after := mustEdit(t, text, c)
		d, err := parse("p.yaml", []byte(after), false)
		if err != nil {
			t.Fatalf("%v: %v\n%s", c, err, after)
		}
		if e, _ := d.find(c.Name); !slices.Equal(e.values, c.Values) {
			t.Fatalf("got %q for %s, want %q\n%s", e.values, c.Name, c.Values, after)
		}
		if got, want := others(d, c.Name), others(before, c.Name); !slices.Equal(got, want) {
			t.Fatalf("%v: got the others %q, want %q", c, got, want)
		}
		for _, comment := range want {
			found := 0
			for line := range strings.Lines(after) {
				if strings.HasSuffix(strings.TrimSpace(line), comment) {
					found++
				}
			}
			if found != 1 {
				t.Fatalf("%v: got the comment %q %d times, want it once\n%s", c, comment, found, after)
			}
		}
		if got, want := strings.Count(after, "\n\n"), strings.Count(text, "\n\n"); got < want && len(c.Values) > 0 {
			t.Fatalf("%v: got %d blank lines, want %d\n%s\nwas\n%s", c, got, want, after, text)
		}
		text = after
	}
}

func randomChange(r *rand.Rand, words []string) Change {
	for {
		s := Settings()[r.IntN(len(Settings()))]
		if !s.Profile {
			continue
		}
		word := words[r.IntN(len(words))]
		c := Change{Name: s.Name, Values: []string{word}}
		switch s.Kind {
		case URL:
			c.Values[0] = fmt.Sprintf("https://op.example/%d#x", r.IntN(100))
		case Duration:
			c.Values[0] = fmt.Sprintf("%ds", 1+r.IntN(100))
		case Switch:
			c.Values[0] = fmt.Sprint(r.IntN(2) == 0)
		case List:
			c.Values = nil
			for range r.IntN(4) {
				c.Values = append(c.Values, fmt.Sprintf("k%d=%s", r.IntN(3), words[r.IntN(len(words))]))
			}
		}
		if r.IntN(4) == 0 {
			c.Values = nil
		}
		return c
	}
}

func others(d document, name string) []string {
	var all []string
	for _, e := range d.entries {
		if e.name != name {
			all = append(all, fmt.Sprintf("%s=%q", e.name, e.values))
		}
	}
	return all
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte(odd), "x")
	f.Add([]byte("{scope: a}"), "a: b")
	f.Add([]byte("scope: &a x\nflow: *a\n"), "#")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		before, err := parse("p.yaml", data, false)
		if err != nil {
			return
		}
		for _, c := range []Change{{"scope", []string{value}}, {"scope", nil}, {"param", []string{"k=" + value}}} {
			s, _ := Find(c.Name)
			if len(c.Values) > 0 && s.check(c.Values) != nil {
				return
			}
			after, err := edit("p.yaml", data, false, []Change{c})
			if err != nil {
				continue
			}
			d, err := parse("p.yaml", after, false)
			if err != nil {
				t.Fatalf("%q became unreadable %q: %v", data, after, err)
			}
			if e, _ := d.find(c.Name); !slices.Equal(e.values, c.Values) || !slices.Equal(others(d, c.Name), others(before, c.Name)) {
				t.Fatalf("%q became %q for %v", data, after, c)
			}
		}
	})
}
