// Package recipe reads what a person wrote down about login pages that the
// defaults do not understand: how to know a page, what to fill in and what to
// press. It is strict, with file and line in every error. It touches no page,
// and a recipe holds no secret: it names the user name, the password and the
// one-time code, and whoever walks the page has them.
package recipe

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

// A Recipe is one file. The zero value matches nothing.
type Recipe struct {
	AllowOrigin []string // as [Origin] gives them
	Steps       []Step
}

// A Step says what to do with the pages that it matches.
type Step struct {
	Line   int // in the file
	Match  Condition
	Fill   []Fill
	Click  string // a button or link: its name, its id or its words; empty for the best button
	Wait   Wait
	Expect Expect
}

// A Condition is met by a page of which all of it holds. What is empty is not
// asked for.
type Condition struct{ URL, Title, Text, Field string }

// A Fill puts a value into one field.
type Fill struct {
	Field string // its name, its id or its label
	Value string // one of [Values]; empty: Text
	Text  string
}

// A Wait is for agents that run scripts: until Text or Field is on the page, or
// For has passed.
type Wait struct {
	Text, Field string
	For         time.Duration
}

// An Expect is what the page behind this one has to be.
type Expect struct {
	Condition
	Failure string // says what it means when it is another
}

// Values are what a fill may name.
func Values() []string { return []string{"username", "password", "totp"} }

// A Key is one key of the file.
type Key struct {
	In   string // "" for the file, else step, match, fill, wait, expect
	Name string
	Help string
}

// Keys is the table of keys, in the order a person would write them.
func Keys() []Key {
	return []Key{
		{"", "allow_origin", "list of further origins where user name, password and one-time code may be typed"},
		{"", "steps", "list of steps; the first that matches a page is taken"},
		{"step", "match", "which pages the step is for: all of its keys have to hold"},
		{"step", "fill", "list of the fields to fill in; all of one form"},
		{"step", "click", "button or link to press: its name, its id, or the words on it; else the form's best button"},
		{"step", "wait", "what to wait for before anything is filled in; forms has the whole page at once and passes it over"},
		{"step", "expect", "what the next page has to be; an answer to rely in its place is well too"},
		{"match", "url", "beginning of the page's address, query left out; * is any text without a slash; from / on it is the path alone"},
		{"match", "title", "text within the page's title"},
		{"match", "text", "text on the page, the words on buttons left out"},
		{"match", "field", "name, id or label of a field that is on the page"},
		{"fill", "field", "name, id or label of the field"},
		{"fill", "value", "username, password or totp"},
		{"fill", "text", "this very text; on or off for a checkbox, the value for a choice; no place for a secret"},
		{"wait", "text", "text that comes up on the page"},
		{"wait", "field", "name or id of a field that comes up"},
		{"wait", "for", "longest time to wait, 10s if it is left out, 1m at most"},
		{"expect", "url", "as in match"},
		{"expect", "title", "as in match"},
		{"expect", "text", "as in match"},
		{"expect", "field", "as in match"},
		{"expect", "failure", "what to say where the page is another one"},
	}
}

// A Page is what a recipe looks at.
type Page struct {
	URL         *url.URL
	Title, Text string
	Field       func(what string) bool // reports a field by its name, id or label; nil knows none
}

// Find gives the first step that matches the page, nil where none does.
func (r Recipe) Find(p Page) *Step {
	for i := range r.Steps {
		if r.Steps[i].Match.Holds(p) {
			return &r.Steps[i]
		}
	}
	return nil
}

// Empty reports that the condition asks for nothing.
func (c Condition) Empty() bool { return c == Condition{} }

// Holds reports whether the page meets the condition. Texts are compared
// without regard to case and to the kind of blanks.
func (c Condition) Holds(p Page) bool {
	return (c.URL == "" || matches(c.URL, p.URL)) && within(p.Title, c.Title) && within(p.Text, c.Text) &&
		(c.Field == "" || p.Field != nil && p.Field(c.Field))
}

func within(text, part string) bool {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return part == "" || strings.Contains(plain(text), plain(part))
}

// matches compares piece by piece: a star never passes a slash, and the last
// piece of the pattern need only begin that of the address.
func matches(pattern string, u *url.URL) bool {
	if u == nil {
		return false
	}
	address := "/" + strings.TrimPrefix(u.EscapedPath(), "/")
	if !strings.HasPrefix(pattern, "/") {
		address = strings.ToLower(u.Scheme+"://"+u.Host) + address
	}
	want, got := strings.Split(pattern, "/"), strings.Split(address, "/")
	if len(want) > len(got) {
		return false
	}
	last := len(want) - 1
	for i, w := range want {
		if i == last {
			w += "*"
		}
		if !glob(w, got[i]) {
			return false
		}
	}
	return true
}

// glob compares s with a pattern in which * is any text. It goes back to the
// last star only, so its time grows with the product of both lengths at most.
func glob(pattern, s string) bool {
	p, i, star, from := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Origin gives an origin in its plain form: https, or http (which is of use on
// loopback alone), a host, perhaps a port, and nothing behind it (RFC 6454).
func Origin(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", errors.New("it is no origin such as https://login.example")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("its scheme is not https")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it has more than scheme, host and port")
	case strings.Contains(u.Host, "*"):
		return "", errors.New("it names no single host")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}
