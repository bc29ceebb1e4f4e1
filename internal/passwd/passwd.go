// Package passwd changes the password of the person who is signed in, in the
// way that their provider has for it. No specification defines one, so each
// provider is an entry of the table. An entry makes the requests of one change
// and never a second try: wrong passwords lock accounts. The package keeps
// nothing, prints nothing and asks nobody.
package passwd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/wire"
)

// An Entry is one provider's way of letting people change their own password.
type Entry struct {
	Name   string // the value of --via
	Help   string // one line: what is asked, and how
	Family Family
	Proof  string // what it was held against, for the reference
	Params []Param
	Scopes []string // that the access token has to have; of the family Bearer
	NoOld  bool     // the current password is not asked for; the provider wants a recent sign-in instead
	After  string   // what is known of other sessions and tokens afterwards

	// Fits reports whether this is the provider's own kind, by what its issuer
	// and metadata say. nil: it has to be named.
	Fits func(a *Account) bool
	// Policy asks for the rules that a new password has to meet. nil: the
	// provider tells none.
	Policy func(ctx context.Context, a *Account) (*Policy, error)
	// Change changes a.Old to a.New, in one try. What it returns is what the
	// provider said; a nil error is no proof yet. nil: the change is made on a
	// page, see Handoff.
	Change func(ctx context.Context, a *Account) (said string, err error)
	// Verify proves that a.New is the password now. nil: a sign-in at the
	// provider proves it.
	Verify func(ctx context.Context, a *Account) error
	// Handoff says where the person changes it themselves.
	Handoff func(ctx context.Context, a *Account) (*Handoff, error)
}

// A Family is how a provider knows who is asking.
type Family string

// The families.
const (
	Bearer    Family = "access token"
	Product   Family = "product session" // made with the current password
	OnAPage   Family = "page"            // the provider's own page does it
	Directory Family = "directory"       // bound with the current password
)

// A Param is a fact about the provider that only its users know.
type Param struct {
	Name, Help, Default string
}

// A Handoff is where the person goes on by themselves.
type Handoff struct {
	URL   string     // a page to open; empty where there is none
	Param url.Values // of a sign-in that leads over the page; nil where URL does
	Said  string     // what the provider did, where no page is opened
}

// An Account is whose password is changed and what is known of it. HTTP and
// Issuer have to be set.
type Account struct {
	Issuer   string
	Metadata map[string]json.RawMessage
	ClientID string
	Subject  string
	Username string // empty where nobody said
	Email    string // as the ID token says; empty where it does not
	Access   secret.String
	Base     string            // address of the provider's interface, where it does not follow from the issuer
	Param    map[string]string // by the names of [Entry.Params]; defaults filled in
	Old, New secret.String

	HTTP *wire.Client
	TLS  func() (*tls.Config, error) // for what is no HTTP
}

// Find gives the entry that via names; with an empty via, the one that fits
// the provider.
//
//	Usage   passwd.via   there is none of that name, or none fits
func Find(via string, a *Account) (Entry, error) {
	names := []string{}
	for _, e := range All() {
		if via == e.Name || via == "" && e.Fits != nil && e.Fits(a) {
			return e, nil
		}
		names = append(names, e.Name)
	}
	f := &fault.Error{Kind: fault.Usage, ID: "passwd.via", Op: "find out how " + a.Issuer + " lets people change a password",
		Err:  fmt.Errorf("neither the issuer nor its metadata says which product it is"),
		Hint: "name it with --via (" + strings.Join(names, ", ") + "); \"well-known\" opens the provider's own page"}
	if via != "" {
		f.Err, f.Hint = fmt.Errorf("%q is no provider that rely knows", via), "use one of "+strings.Join(names, ", ")
	}
	return Entry{}, f
}

// Fill reads "name=value" pairs into a.Param, with the entry's defaults.
func (e Entry) Fill(a *Account, pairs []string) error {
	a.Param = map[string]string{}
	for _, p := range e.Params {
		a.Param[p.Name] = p.Default
	}
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if !found || !slices.ContainsFunc(e.Params, func(p Param) bool { return p.Name == name }) {
			return &fault.Error{Kind: fault.Usage, ID: "passwd.param", Op: "read --via-param", Err: fmt.Errorf("%s has no parameter %q", e.Name, name), Hint: e.usage()}
		}
		a.Param[name] = value
	}
	return nil
}

func (e Entry) usage() string {
	if len(e.Params) == 0 {
		return "leave --via-param out: " + e.Name + " has none"
	}
	var words []string
	for _, p := range e.Params {
		words = append(words, p.Name+" ("+p.Help+")")
	}
	return "it has " + strings.Join(words, ", ")
}

// MissingScopes are those that the entry needs and granted has not. Some
// providers name a scope by an address and answer with its last part.
func (e Entry) MissingScopes(granted string) []string {
	var missing []string
	for _, want := range e.Scopes {
		if !slices.ContainsFunc(strings.Fields(granted), func(got string) bool { return got == want || strings.HasSuffix(want, "/"+got) }) {
			missing = append(missing, want)
		}
	}
	return missing
}

// host is the issuer's host name.
func (a *Account) host() string {
	u, err := url.Parse(a.Issuer)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// origin is the issuer's scheme, host and port.
func (a *Account) origin() string {
	u, err := url.Parse(a.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// base is the address that --via-url gave, else standard, without a slash at
// the end.
func (a *Account) base(standard string) string {
	if a.Base != "" {
		standard = a.Base
	}
	return strings.TrimRight(standard, "/")
}

// names reports whether the metadata has an endpoint at this end.
func (a *Account) names(member, end string) bool {
	var address string
	return json.Unmarshal(a.Metadata[member], &address) == nil && strings.HasSuffix(address, end)
}
