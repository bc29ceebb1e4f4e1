package trace

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/secret"
)

// Curl is the record as commands for a POSIX shell that repeat each request.
// Secrets are variables: a comment names each with its fingerprint, and equal
// secrets have one variable.
func (r *Record) Curl(redact *Redactor) string {
	c := &curl{redact: redact, names: map[string]string{}, taken: map[string]int{}}
	var commands strings.Builder
	for n, x := range r.exchanges() {
		c.learn(x.data) // before the request that uses it
		fmt.Fprintf(&commands, "\n# %d: %s\n%s\n", n+1, c.outcome(x), c.command(x))
	}
	var head strings.Builder
	head.WriteString("# Set these first (a code and a state are good for one time):\n")
	for _, v := range c.order {
		fmt.Fprintf(&head, "#   %s=...   %s\n", c.names[v], secret.Fingerprint(v))
	}
	if len(c.order) == 0 {
		head.Reset()
	}
	return head.String() + commands.String()
}

// A curl gives secrets their names.
type curl struct {
	redact *Redactor
	names  map[string]string // by value
	taken  map[string]int
	order  []string
}

func (c *curl) outcome(x exchange) string {
	if x.status == 0 {
		return "no answer"
	}
	return fault.Visible(x.line)
}

// name is the variable of a secret, made of what it is called.
func (c *curl) name(what, value string) string {
	if name, there := c.names[value]; there {
		return name
	}
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, what)
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "VALUE_" + base
	}
	c.taken[base]++
	name := base
	if n := c.taken[base]; n > 1 {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	c.names[value] = name
	c.order = append(c.order, value)
	return name
}

// learn names the secrets of an answer, so that a token is called what the
// provider called it.
func (c *curl) learn(body []byte) {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if text, is := members[name].(string); is && text != "" && secretMember(name) {
			c.name(name, text)
		}
	}
}

func (c *curl) command(x exchange) string {
	words := []string{"curl -sS -i"}
	if x.method != "GET" {
		words = append(words, "-X "+quoteShell(x.method))
	}
	words = append(words, c.address(x.address))
	for _, name := range slices.Sorted(maps.Keys(x.asked)) {
		for _, value := range x.asked[name] {
			if header := c.header(name, value); header != "" {
				words = append(words, "-H "+header)
			}
		}
	}
	if len(x.body) > 0 {
		words = append(words, c.body(x)...)
	}
	return strings.Join(words, " \\\n  ")
}

// address is the URL with what is secret in its query as variables.
func (c *curl) address(raw string) string {
	base, query, found := strings.Cut(raw, "?")
	if !found {
		return quoteShell(c.redact.Text(base))
	}
	out := quoteShell(c.redact.Text(base) + "?")
	for n, part := range strings.Split(query, "&") {
		if n > 0 {
			out += quoteShell("&")
		}
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		if err == nil && (harmless(name) || plain == "") {
			out += quoteShell(c.redact.Text(part))
		} else {
			out += quoteShell(name+"=") + `"$` + c.name(name, plain) + `"`
		}
	}
	return out
}

func (c *curl) header(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization":
		scheme, proof, _ := strings.Cut(value, " ")
		return `"Authorization: ` + scheme + ` $` + c.name(scheme, proof) + `"`
	case "cookie", "dpop":
		return `"` + name + `: $` + c.name(name, value) + `"`
	}
	return quoteShell(name + ": " + c.redact.Text(value))
}

func (c *curl) body(x exchange) []string {
	if kind, _, _ := mime.ParseMediaType(x.asked.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		if text, ok := c.redact.json(x.body); ok {
			return []string{"--data-binary " + quoteShell(text)}
		}
		return []string{`--data-binary "$` + c.name("body", string(x.body)) + `"`}
	}
	var words []string
	for part := range strings.SplitSeq(string(x.body), "&") {
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		if err == nil && (harmless(name) || plain == "") {
			words = append(words, "--data-urlencode "+quoteShell(name+"="+c.redact.Text(plain)))
		} else {
			words = append(words, "--data-urlencode "+quoteShell(name+"=")+`"$`+c.name(name, plain)+`"`)
		}
	}
	return words
}

// quoteShell makes one word of it; what does not show is an escape that curl
// passes on as it is.
func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(fault.Visible(s), "'", `'\''`) + "'"
}
