// Package preset knows what well-known providers want: a few facts that their
// users know become settings, among them the issuer. It asks no network, keeps
// nothing, and states no fact without naming its source.
package preset

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"rely/internal/fault"
)

// A Preset is one kind of provider.
type Preset struct {
	Name   string // the value of --provider
	Help   string // what it is, for help and docs
	Params []Param
	Facts  []Fact

	// Apply makes settings of the parameters, of which the required ones are
	// there and all have their kind's shape. Its error needs no more than a
	// cause.
	Apply func(v Values) (Settings, error)
}

// Settings are values by the names of our settings: one text, or the entries
// of a list.
type Settings map[string][]string

// Values are parameters by their names; one that was not given is its default.
type Values map[string]string

// A Param is a fact that the provider's user has to know.
type Param struct {
	Name     string // as "environment-id"
	Help     string // one line, starts with a lower-case noun
	Required bool
	Default  string
	Kind     Kind
}

// A Kind is the shape of a parameter's value.
type Kind int

// The kinds of parameters.
const (
	Word Kind = iota // one segment of a path or one label of a host name
	Host             // a host name, with a port or not; a scheme before it is dropped
	Base             // an absolute http or https URL; a slash at its end is dropped
	Text             // any text without control characters
)

// A Fact is something about the provider that a preset is built on, or that
// its user has to know.
type Fact struct {
	Text   string // what could not be confirmed says so
	Source string // URL of the document that says it
}

// Find gives the preset of that name. An unknown one is a fault of kind Usage.
func Find(name string) (Preset, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Preset{}, &fault.Error{Kind: fault.Usage, ID: "preset.unknown", Op: "choose the provider",
		Err:  fmt.Errorf("%q is no provider that rely knows (%s)", name, strings.Join(Names(), ", ")),
		Hint: fault.Meant(name, Names(), "use --provider ", "use one of those with --provider, or give the issuer's URL in place of it")}
}

// Names are those of all presets, in the order of the table.
func Names() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return names
}

// Expand makes settings of "name=value" pairs. Errors are of kind Usage and
// say which parameters there are.
func (p Preset) Expand(pairs []string) (Settings, error) {
	v := Values{}
	for _, pair := range pairs {
		name, text, found := strings.Cut(pair, "=")
		name = strings.ReplaceAll(name, "_", "-")
		at := slices.IndexFunc(p.Params, func(q Param) bool { return q.Name == name })
		_, twice := v[name]
		switch {
		case !found:
			return nil, p.refuse(fmt.Errorf("%q is not NAME=VALUE", pair))
		case at < 0:
			return nil, p.refuse(fmt.Errorf("%s has no parameter %q", p.Name, name))
		case twice:
			return nil, p.refuse(fmt.Errorf("%s is given twice", name))
		}
		shaped, err := p.Params[at].Kind.shape(text)
		if err != nil {
			return nil, p.refuse(fmt.Errorf("%s is %q: %w", name, text, err))
		}
		v[name] = shaped
	}
	for _, q := range p.Params {
		if _, there := v[q.Name]; there {
			continue
		}
		if q.Required {
			return nil, p.refuse(fmt.Errorf("%s is missing: the %s", q.Name, q.Help))
		}
		v[q.Name] = q.Default
	}
	out, err := p.Apply(v)
	if err != nil {
		return nil, p.refuse(err)
	}
	return out, nil
}

func (p Preset) refuse(why error) error {
	hint := "leave --provider-param out"
	if len(p.Params) > 0 {
		hint = "write it as " + p.Usage()
	}
	return &fault.Error{Kind: fault.Usage, ID: "preset.param", Op: "use the preset " + p.Name, Err: why, Hint: hint}
}

// Usage is how the preset stands on a command line.
func (p Preset) Usage() string {
	var b strings.Builder
	b.WriteString("--provider " + p.Name)
	for _, q := range p.Params {
		word := " --provider-param " + q.Name + "=" + strings.ToUpper(strings.ReplaceAll(q.Name, "-", "_"))
		if !q.Required {
			word = " [" + word[1:] + "]"
		}
		b.WriteString(word)
	}
	return b.String()
}

// shape checks a value and brings it into its kind's form.
func (k Kind) shape(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("it is empty")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("it holds a control character")
	}
	switch k {
	case Word:
		other := func(r rune) bool {
			return r > 'z' || !strings.ContainsRune("0123456789-._~", r) && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}
		if strings.ContainsFunc(text, other) || text == "." || text == ".." {
			return "", errors.New("that is no single word of letters, digits and -._~")
		}
	case Host:
		_, rest, scheme := strings.Cut(text, "://")
		if scheme {
			text = strings.TrimSuffix(rest, "/")
		}
		u, err := url.Parse("https://" + text)
		if err != nil || u.Host != text || u.Hostname() == "" || strings.Contains(text, " ") {
			return "", errors.New("that is no host name")
		}
		text = strings.ToLower(text)
	case Base:
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(text, "?# ") {
			return "", errors.New("that is no absolute URL, as https://op.example")
		}
		text = strings.TrimRight(text, "/")
	}
	return text, nil
}

// issuer is the settings of a preset that has nothing else to say.
func issuer(text string) Settings { return Settings{"issuer": {text}} }
