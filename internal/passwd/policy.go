package passwd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"rely/internal/fault"
	"rely/internal/secret"
)

// A Policy is what a provider demands of a new password.
type Policy struct {
	Name, Text string // as the provider calls it; may be empty
	Rules      []Rule
	Min, Max   int            // length in characters; 0: nothing is said
	Sets       map[string]int // how many characters of each of these sets at least
}

// A Rule is one demand.
type Rule struct {
	Name  string                                 // the provider's own
	Text  string                                 // what it demands
	Unmet func(a *Account, password string) bool // nil: only the provider can tell
}

// Unmet are the rules that a password does not meet, as far as that can be
// told here.
func (p *Policy) Unmet(a *Account, password secret.String) []Rule {
	var out []Rule
	for _, r := range p.Rules {
		if r.Unmet != nil && r.Unmet(a, password.Reveal()) {
			out = append(out, r)
		}
	}
	return out
}

// length is the rule about length in characters; 0 is no limit.
func (p *Policy) length(least, most int) {
	p.Min, p.Max = least, most
	words := fmt.Sprintf("at least %d characters", least)
	switch {
	case least > 0 && most > 0:
		words = fmt.Sprintf("%d to %d characters", least, most)
	case most > 0:
		words = fmt.Sprintf("at most %d characters", most)
	}
	p.Rules = append(p.Rules, Rule{Name: "length", Text: words, Unmet: func(_ *Account, s string) bool {
		n := utf8.RuneCountInString(s)
		return n < least || most > 0 && n > most
	}})
}

// characters is the rule about one set of characters.
func (p *Policy) characters(name, set string, least int) {
	if p.Sets == nil {
		p.Sets = map[string]int{}
	}
	p.Sets[set] = least
	p.Rules = append(p.Rules, Rule{Name: name, Text: fmt.Sprintf("at least %d of %s", least, set), Unmet: func(_ *Account, s string) bool {
		n := 0
		for _, c := range s {
			if strings.ContainsRune(set, c) {
				n++
			}
		}
		return n < least
	}})
}

// Letters that are not mistaken for one another, for passwords that a person
// may have to type.
const alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// Generate makes a password that the policy takes: 24 characters of an
// alphabet without look-alikes, which is more than 130 bits, or as many as the
// policy allows. p may be nil.
func Generate(p *Policy, a *Account) (secret.String, error) {
	if p == nil {
		p = &Policy{}
	}
	n := max(24, p.Min)
	if p.Max > 0 {
		n = min(n, p.Max)
	}
	for range 100 { // a draw fails by bad luck with a rule such as "no character twice"
		s, err := draw(p, n)
		if err != nil {
			return secret.String{}, err
		}
		if made := secret.New(s); len(p.Unmet(a, made)) == 0 {
			return made, nil
		}
	}
	return secret.String{}, &fault.Error{Kind: fault.Denied, ID: "passwd.generate", Op: "make a password", Err: errors.New("none of 100 drawn passwords met the provider's rules"),
		Hint: "choose one yourself; \"rely passwd --check\" shows the rules"}
}

// draw takes what the sets demand, fills up, and shuffles.
func draw(p *Policy, n int) (string, error) {
	var out []rune
	take := func(set []rune) error {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err == nil {
			out = append(out, set[k.Int64()])
		}
		return err
	}
	for set, least := range p.Sets {
		for range least {
			if err := take([]rune(set)); err != nil {
				return "", err
			}
		}
	}
	for len(out) < n {
		if err := take([]rune(alphabet)); err != nil {
			return "", err
		}
	}
	for i := len(out) - 1; i > 0; i-- {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return "", err
		}
		out[i], out[k.Int64()] = out[k.Int64()], out[i]
	}
	return string(out), nil
}

func sorted(sets map[string]int) []string { return slices.Sorted(maps.Keys(sets)) }

// different counts the different characters of s.
func different(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// longestRun is the length of the longest run of one character.
func longestRun(s string) int {
	longest, run, last := 0, 0, rune(-1)
	for _, c := range s {
		if c != last {
			run = 0
		}
		run, last = run+1, c
		longest = max(longest, run)
	}
	return longest
}
