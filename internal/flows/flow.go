// Package flows obtains tokens, one file for each way. A flow talks to the
// provider and checks everything that it answers; it keeps nothing, prints
// nothing, and knows neither profiles nor the command line.
package flows

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/front"
	"rely/internal/flows/request"
	"rely/internal/provider"
)

// What flows take and give, named here for those who call them.
type (
	Request      = request.Request
	Tokens       = request.Tokens
	Announcement = request.Announcement
	LadderError  = request.LadderError
)

// A Flow is one way of obtaining tokens.
type Flow interface {
	// Possible says why this provider cannot do it, as a Config fault; nil
	// where nothing in its metadata speaks against it.
	Possible(m *provider.Metadata) error
	// Run obtains the tokens and has them kept (see [Request.Keep]). Every
	// error is a fault; none has changed anything.
	Run(ctx context.Context, r *Request) (*Tokens, error)
}

// An Entry is a flow and what help and docs say of it.
type Entry struct {
	Name   string // the value of --flow
	Grant  string // grant type that the client is registered for
	Help   string
	Person bool     // a person, or a robot in its place, has to walk a login page
	Types  []string // response types, the default first; none where no authorization endpoint takes part
	Flow   Flow

	// Settings are those that say something to this flow alone, or to some flows
	// only, by their names in the table of settings. A secret one is named
	// without "_file": flag --NAME-file, flag --NAME-stdin and its variable
	// belong to it.
	Settings []string
	// Once says that what is redeemed may be of no use afterwards: a session
	// goes on by its refresh token alone.
	Once bool
	// Elsewhere says that a person is asked on a device of their own, and no
	// page is walked here.
	Elsewhere bool
}

// Again reports whether the flow can be run once more without anybody.
func (e Entry) Again() bool { return !e.Person && !e.Elsewhere && !e.Once }

// Settings are those of all flows, each once.
func Settings() []string {
	var out []string
	for _, e := range All() {
		for _, name := range e.Settings {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// offers refuses a provider that lists none of a flow's response types; which
// of them is asked for is settled when it runs.
func offers(m *provider.Metadata, flow string, types []string) error {
	for _, t := range types {
		if front.Lists(m, t) {
			return nil
		}
	}
	return &fault.Error{
		Kind: fault.Config, ID: "flow.impossible", Op: "use the flow " + flow, Spec: "OIDC Discovery 3",
		Err:  fmt.Errorf("the provider lists the response types %q, not %s", m.ResponseTypes, strings.Join(types, " or ")),
		Hint: fmt.Sprintf("choose another --flow, or have the provider list this one; what it has and does not list is tried with --response-type %q", types[0]),
	}
}

func impossible(flow string, why error) error {
	return &fault.Error{
		Kind: fault.Config, ID: "flow.impossible", Op: fmt.Sprintf("use the flow %s", flow), Err: why,
		Hint: "choose another --flow, or have the provider offer this one",
	}
}

// missing words a flow that was given too little.
func missing(flow, what, hint string) error {
	return &fault.Error{
		Kind: fault.Usage, ID: "flow.missing", Op: fmt.Sprintf("use the flow %s", flow), Err: fmt.Errorf("%s is needed, and there is none", what), Hint: hint,
	}
}

// checked checks an answer that no authorization request went before: what was
// asked for, and the ID token, which such a grant need not bring.
func checked(ctx context.Context, r *Request, t *Tokens) error {
	var err error
	if t.ID.Empty() {
		err = r.CheckAsked(t)
	} else {
		err = r.CheckIDToken(ctx, t, r.Expected(t))
	}
	if err != nil {
		return &LadderError{Ladder: t.Ladder, Err: err}
	}
	return nil
}

// scoped adds the scopes that were asked for.
func scoped(r *Request, form url.Values) url.Values {
	if r.Scope != "" {
		form.Set("scope", r.Scope)
	}
	return form
}
