// Package expect is the small language in which a person or a script says what
// claims have to be: one comparison for each expectation. It reads no token and
// trusts nothing; a claim that is not there never fits, so that a misspelt name
// cannot pass.
//
//	email_verified==true        the same JSON value
//	sub!="mallory"              another value, of whatever kind
//	address.country==GB         a member; a word that is no JSON value is a text
//	amr[0]==pwd                 an element of a list, from 0
//	"https://api.example/r"==x  a name with a dot or another sign in it
//	groups contains admin       an element of a list, a part of a text, a member's name
//	email=~@example\.com$       a regular expression (RE2) that matches a part of a text
//	email!~@example\.com$       one that does not
//	exp>now+5m                  numbers; now, now-1h and now+5m are dates in seconds
//	phone_number exists         whatever it is, null too
//	phone_number missing
package expect

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// MaxLength is the most that an expectation may have, in bytes.
const MaxLength = 1000

// An Operator is one way of comparing.
type Operator struct {
	Sign, Help string

	word    bool // needs a space before it
	alone   bool // has no value behind it
	compare func(got, want json.RawMessage, e *Expectation) (bool, error)
}

// Operators is the table of comparisons; a longer sign stands before one that
// it begins with.
func Operators() []Operator {
	return []Operator{
		{"==", "the same JSON value", false, false, equal},
		{"!=", "there, and another value", false, false, not(equal)},
		{"=~", "a regular expression (RE2) matches a part of the text", false, false, matches},
		{"!~", "a text that the regular expression does not match", false, false, not(matches)},
		{"<=", "a number that is at most this one", false, false, number(func(c int) bool { return c <= 0 })},
		{">=", "a number that is at least this one", false, false, number(func(c int) bool { return c >= 0 })},
		{"<", "a number that is less", false, false, number(func(c int) bool { return c < 0 })},
		{">", "a number that is more", false, false, number(func(c int) bool { return c > 0 })},
		{"contains", "an element of the list, a part of the text, or a member's name", true, false, contains},
		{"exists", "there, whatever it is", true, true, nil},
		{"missing", "not there", true, true, nil},
	}
}

// An Expectation is one that was understood.
type Expectation struct {
	Text string // as it was given

	path    []piece
	op      Operator
	want    json.RawMessage
	pattern *regexp.Regexp
	moment  *time.Duration // the value is now and this much
}

// A piece is a member's name, or a place in a list.
type piece struct {
	name  string
	index int // -1 for a name
}

// Parse understands an expectation, or says why not: a Usage fault.
func Parse(text string) (Expectation, error) {
	e := Expectation{Text: text}
	err := e.parse(text)
	if err != nil {
		return e, &fault.Error{Kind: fault.Usage, ID: "expect.syntax", Op: "read the expectation", Err: fmt.Errorf("%q: %w", shorten(text), err),
			Hint: "write it as email_verified==true; \"rely userinfo --help\" shows the other ways"}
	}
	return e, nil
}

func (e *Expectation) parse(text string) error {
	if len(text) > MaxLength {
		return fmt.Errorf("it has more than %d bytes", MaxLength)
	}
	rest, err := e.readPath(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	trimmed := strings.TrimLeft(rest, " \t")
	for _, op := range Operators() {
		after, found := strings.CutPrefix(trimmed, op.Sign)
		if !found || op.word && (trimmed == rest || after != "" && after[0] != ' ' && after[0] != '\t') {
			continue
		}
		e.op = op
		return e.readValue(strings.TrimSpace(after))
	}
	if trimmed == "" {
		return errors.New("there is no comparison behind the claim's name")
	}
	return fmt.Errorf("%q is no comparison", shorten(trimmed))
}

// readPath takes the claim's name and what leads on from it; rest is what
// stands behind.
func (e *Expectation) readPath(text string) (rest string, err error) {
	for first := true; ; first = false {
		switch {
		case !first && strings.HasPrefix(text, "["):
			inside, after, closed := strings.Cut(text[1:], "]")
			n, err := strconv.Atoi(inside)
			if !closed || err != nil || n < 0 {
				return "", errors.New("behind [ stands no number with ] behind it")
			}
			e.path = append(e.path, piece{index: n})
			text = after
			continue
		case !first && strings.HasPrefix(text, "."):
			text = text[1:]
		case !first:
			return text, nil
		}
		var name string
		if name, text, err = readName(text); err != nil {
			return "", err
		}
		e.path = append(e.path, piece{name: name, index: -1})
	}
}

// readName takes a plain name, or any in quotes as JSON has them.
func readName(text string) (name, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		quoted, err := strconv.QuotedPrefix(text)
		if err == nil {
			name, err = strconv.Unquote(quoted)
		}
		if err != nil || name == "" {
			return "", "", errors.New("the name in quotes does not end, or is empty")
		}
		return name, text[len(quoted):], nil
	}
	end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(" \t.[]=!<>~\"", r) })
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", "", errors.New("a claim's name is missing")
	}
	return text[:end], text[end:], nil
}

// readValue takes what the claim is compared with.
func (e *Expectation) readValue(text string) (err error) {
	switch {
	case e.op.alone && text != "":
		return fmt.Errorf("%q stands behind %q, which takes nothing", shorten(text), e.op.Sign)
	case e.op.alone:
		return nil
	case text == "":
		return fmt.Errorf("there is nothing behind %q; an empty text is \"\"", e.op.Sign)
	}
	if e.op.Sign == "=~" || e.op.Sign == "!~" {
		if e.pattern, err = regexp.Compile(text); err != nil {
			return fmt.Errorf("the regular expression cannot be read: %w", err)
		}
		return nil
	}
	if after, isNow := strings.CutPrefix(text, "now"); isNow && strings.ContainsAny(e.op.Sign, "<>") {
		d := time.Duration(0)
		if after = strings.ReplaceAll(after, " ", ""); after != "" {
			if d, err = time.ParseDuration(after); err != nil || after[0] != '+' && after[0] != '-' {
				return fmt.Errorf("%q is no moment such as now, now-1h or now+5m", shorten(text))
			}
		}
		e.moment = &d
		return nil
	}
	if strictjson.Check([]byte(text)) == nil {
		e.want = json.RawMessage(text)
	} else if strings.ContainsAny(text[:1], `"[{`) {
		return fmt.Errorf("the value %q begins as JSON and is none", shorten(text))
	} else {
		e.want, _ = json.Marshal(text) // a text always is
	}
	if strings.ContainsAny(e.op.Sign, "<>") && !isNumber(e.want) {
		return fmt.Errorf("%q compares numbers, and %q is none; a date is now, now-1h or now+5m", e.op.Sign, shorten(text))
	}
	return nil
}

func isNumber(raw json.RawMessage) bool {
	_, err := strconv.ParseFloat(string(raw), 64)
	return err == nil
}

func shorten(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
