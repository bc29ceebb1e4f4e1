// Package cause tells why a sign-in most likely failed, what to change and
// where: at the client's registration, at the provider, in this profile or on
// this machine. It knows causes from one table, in which a provider's own words
// count for more than what they mean elsewhere. It guesses nothing that it
// cannot point at: without a known cause it says nothing.
package cause

import (
	"slices"
	"strings"
	"time"
)

// A Case is a sign-in that failed, as far as it is known. Empty members are
// not known; no secret is in it.
type Case struct {
	ID   string // of the fault, as "token.invalid_client"
	Text string // what happened, the provider's own words included

	Failed []Check // that the answer did not pass

	Vendor     string // the provider's kind, as the doctor recognises it
	Issuer     string // asked for
	Metadata   string // the issuer that the metadata names
	ClientID   string
	Profile    string
	Method     string   // by which the client proves itself
	Methods    []string // that the provider offers
	Encoded    bool     // client id or secret has characters that Basic has to encode (RFC 6749 2.3.1)
	Scope      string   // asked for
	Redirect   string   // sent
	Registered []string // the redirect URIs of the client's record

	Seen Seen
}

// A Check is one that failed, as it stands in the ladder.
type Check struct{ Name, Spec, Expected, Actual string }

// Seen is what the exchanges with the provider showed besides their answers.
type Seen struct {
	Clock     time.Duration // the provider's, less this machine's
	Dated     bool          // an answer said what time it is
	Web       bool          // the last answer was a web page
	Front     string        // what stands before the provider calls itself
	Authority string        // who signed a certificate that was refused
}

// Where is who has to change something.
type Where string

// The places.
const (
	Registration Where = "client registration"
	Provider     Where = "provider"
	Profile      Where = "profile"
	Machine      Where = "machine"
)

// A Finding is the likely cause.
type Finding struct {
	Name   string // of the entry; it stays
	Likely string // a sentence
	Change string // what to do, as an order
	Where  Where
	Hint   string // what its kind of provider calls this, and where it has it; may be empty
	Check  *Check // what was compared; nil where nothing was
}

// An Entry is one known cause.
type Entry struct {
	Name  string
	Help  string // the cause in one line, for the docs
	Where Where

	words  []string // of a provider, in lower case; one of them is enough
	ids    []string // of faults; a star at the end stands for anything
	checks []string // that failed
	fits   func(c *Case) bool
	say    func(c *Case) Finding // Name, Where and Hint are filled in where it leaves them empty
	hints  []Hint
}

// A Hint is for one kind of provider.
type Hint struct {
	Vendor string   // as in the doctor's table
	Words  []string // its own, in lower case, by which it is known as well
	Text   string
}

// Hints are what the entry has to say of kinds of provider.
func (e Entry) Hints() []Hint { return slices.Clone(e.hints) }

// Find gives the likely cause; nil where none is known. A provider's own words
// are looked at first, in all entries, and only then what happened.
func Find(c *Case) *Finding {
	text := strings.ToLower(c.Text)
	var second *Entry
	for _, e := range All() {
		if !e.possible(c) {
			continue
		}
		if e.spoken(text) {
			return e.found(c, text)
		}
		if second == nil && e.happened(c) {
			second = &e
		}
	}
	if second == nil {
		return nil
	}
	return second.found(c, text)
}

// possible reports whether the facts do not speak against the entry.
func (e *Entry) possible(c *Case) bool { return e.fits == nil || e.fits(c) }

// spoken reports whether the provider named the cause.
func (e *Entry) spoken(text string) bool {
	if holds(text, e.words) {
		return true
	}
	return slices.ContainsFunc(e.hints, func(h Hint) bool { return holds(text, h.Words) })
}

func holds(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		if strings.ContainsFunc(w, apart) {
			return strings.Contains(text, w)
		}
		return slices.Contains(strings.FieldsFunc(text, apart), w)
	})
}

// apart reports whether a character is not of a code. Codes count as a whole:
// AADSTS50011 is not in AADSTS500113.
func apart(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
}

// happened reports whether the fault, or a check that failed, is of this cause.
func (e *Entry) happened(c *Case) bool {
	for _, id := range e.ids {
		if id == c.ID || strings.HasSuffix(id, "*") && strings.HasPrefix(c.ID, strings.TrimSuffix(id, "*")) {
			return true
		}
	}
	return slices.ContainsFunc(c.Failed, func(k Check) bool { return slices.Contains(e.checks, k.Name) })
}

func (e *Entry) found(c *Case, text string) *Finding {
	f := e.say(c)
	f.Name = e.Name
	if f.Where == "" {
		f.Where = e.Where
	}
	for _, h := range e.hints {
		if f.Hint == "" && (h.Vendor == c.Vendor || holds(text, h.Words)) {
			f.Hint = h.Text
		}
	}
	return &f
}

// plain is for entries that say the same of every case.
func plain(likely, change string) func(*Case) Finding {
	return func(*Case) Finding { return Finding{Likely: likely, Change: change} }
}

// failed is the check of that name; nil where it did not fail.
func (c *Case) failed(names ...string) *Check {
	for n := range c.Failed {
		if slices.Contains(names, c.Failed[n].Name) {
			return &c.Failed[n]
		}
	}
	return nil
}

// client is how the person finds the client at the provider.
func (c *Case) client() string {
	if c.ClientID == "" {
		return "the client"
	}
	return "the client " + c.ClientID
}
