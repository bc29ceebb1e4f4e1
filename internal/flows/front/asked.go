package front

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/loopback"
	"rely/internal/provider"
)

// What the authorization response shall be: its type and its mode (OAuth 2.0
// Multiple Response Types 2, 3, 5; Form Post Response Mode; JARM).
type asked struct {
	kind                 string // response_type, as the provider spells it
	code, token, idToken bool   // what it names
	mode                 string // response_mode as sent; empty for the type's own
	way                  loopback.Way
	jwt                  bool // in a JWT (JARM)
}

// A Mode is a value of --response-mode.
type Mode struct {
	Name, Help string

	way loopback.Way // empty: the response type's own
	jwt bool
}

// Modes is the table of response modes, in the order help shows them.
func Modes() []Mode {
	return []Mode{
		{"query", "in the query of the redirect URI; the default of the response type code", loopback.Query, false},
		{"fragment", "in its fragment, which the listener's page hands over; the default of every other type", loopback.Fragment, false},
		{"form_post", "as a form that the browser posts (OAuth 2.0 Form Post Response Mode)", loopback.Form, false},
		{"jwt", "signed, as a JWT in the type's own place (JARM 2.3.4)", "", true},
		{"query.jwt", "signed, in the query (JARM 2.3.1)", loopback.Query, true},
		{"fragment.jwt", "signed, in the fragment (JARM 2.3.2)", loopback.Fragment, true},
		{"form_post.jwt", "signed, as a posted form (JARM 2.3.3)", loopback.Form, true},
	}
}

// CheckMode refuses what is no response mode.
func CheckMode(name string) error {
	_, err := findMode(name)
	return err
}

func findMode(name string) (Mode, error) {
	var names []string
	for _, m := range Modes() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Mode{}, &fault.Error{Kind: fault.Usage, ID: "login.response-mode", Op: opChoose, Spec: "OAuth 2.0 Multiple Response Types 2.1",
		Err: fmt.Errorf("%q is no response mode that rely knows", name), Hint: fault.Meant(name, names, "use --response-mode ", "use one of --response-mode "+strings.Join(names, ", "))}
}

const opChoose = "choose how the answer comes"

// ask settles type and mode before anything is opened, and refuses what cannot
// work. types are those of the flow, its default first.
func ask(r *request.Request, types []string) (asked, error) {
	m := &r.Provider.Metadata
	kind := r.ResponseType
	if kind == "" {
		kind = types[0]
	}
	if !slices.ContainsFunc(types, func(t string) bool { return alike(t, kind) }) {
		return asked{}, &fault.Error{Kind: fault.Usage, ID: "login.response-type", Op: opChoose, Spec: "OAuth 2.0 Multiple Response Types 3, 5",
			Err:  fmt.Errorf("%q is no response type of this flow", kind),
			Hint: "use --response-type \"" + strings.Join(types, "\" or \"") + "\", or another --flow"}
	}
	unregistered := among(r.Registered, kind) < 0 && len(r.Registered) > 0
	switch {
	case !Lists(m, kind) && (r.ResponseType == "" || unregistered):
		return asked{}, unlisted(m, kind, types)
	case !Lists(m, kind):
		// The list is to be whole (OIDC Discovery 3), and some providers list the
		// words of their types one by one. The worst that can come is an error.
		r.Warn(fmt.Sprintf("the provider does not list the response type %q, only %q; it is asked for all the same", kind, m.ResponseTypes))
	case unregistered:
		return asked{}, &fault.Error{Kind: fault.Config, ID: "login.response-type-unregistered", Op: opChoose, Spec: "OIDC Registration 2 (response_types)",
			Err:  fmt.Errorf("the client is registered for the response types %q, not %q", r.Registered, kind),
			Hint: "register a client with this --flow in a profile of its own, or change response_types and grant_types of this one with \"rely register update --metadata\""}
	}
	if at := listed(m, kind); at >= 0 {
		kind = m.ResponseTypes[at] // some providers compare the words in their order
	}
	words := strings.Fields(kind)
	a := asked{kind: kind, code: slices.Contains(words, "code"), token: slices.Contains(words, "token"), idToken: slices.Contains(words, "id_token"),
		way: loopback.Query}
	if a.token || a.idToken {
		a.way = loopback.Fragment
	}
	return a.in(r, m)
}

// Lists reports whether the provider lists a response type, or lists none and
// so says nothing.
func Lists(m *provider.Metadata, kind string) bool {
	return len(m.ResponseTypes) == 0 || listed(m, kind) >= 0
}

func listed(m *provider.Metadata, kind string) int { return among(m.ResponseTypes, kind) }

func among(types []string, kind string) int {
	return slices.IndexFunc(types, func(t string) bool { return alike(t, kind) })
}

// alike compares response types, whose words have no order (RFC 6749 3.1.1).
func alike(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// unlisted says what the provider would do instead.
func unlisted(m *provider.Metadata, kind string, types []string) error {
	f := &fault.Error{Kind: fault.Config, ID: "login.response-type-unlisted", Op: opChoose, Spec: "OIDC Discovery 3",
		Err:  fmt.Errorf("the provider lists the response types %q, not %q", m.ResponseTypes, kind),
		Hint: "choose another --flow, or have the provider offer this response type"}
	for _, t := range types {
		if listed(m, t) >= 0 {
			f.Hint = fmt.Sprintf("use --response-type %q", t)
			break
		}
	}
	return f
}

// in settles the mode.
func (a asked) in(r *request.Request, m *provider.Metadata) (asked, error) {
	if r.ResponseMode == "" {
		return a, nil
	}
	mode, err := findMode(r.ResponseMode)
	if err != nil {
		return a, err
	}
	own := a.way
	a.mode, a.jwt = mode.Name, mode.jwt
	if mode.way != "" {
		a.way = mode.way
	}
	if own == loopback.Fragment && a.way == loopback.Query {
		f := &fault.Error{Kind: fault.Usage, ID: "login.response-mode-query", Op: opChoose, Spec: "OAuth 2.0 Multiple Response Types 3, 5",
			Err: fmt.Errorf("%s would put the tokens of %q into the query, where logs and the history keep them", mode.Name, a.kind), Hint: "use --response-mode fragment or form_post"}
		if a.jwt {
			f.Spec, f.Hint = "JARM 2.3.1", "use --response-mode fragment.jwt or form_post.jwt"
		}
		return a, f
	}
	// A provider that lists none has these two (OIDC Discovery 3).
	listed := m.ResponseModes
	if len(listed) == 0 {
		listed = []string{"query", "fragment"}
	}
	if slices.Contains(listed, mode.Name) {
		return a, nil
	}
	f := &fault.Error{Kind: fault.Config, ID: "login.response-mode-unlisted", Op: opChoose, Spec: "OIDC Discovery 3",
		Err: fmt.Errorf("the provider offers the response modes %q, not %s", listed, mode.Name), Hint: "leave --response-mode out: the response type has one of its own"}
	for _, other := range Modes() {
		if slices.Contains(listed, other.Name) && other.Name != "query" && other.jwt == mode.jwt {
			f.Hint = "use --response-mode " + other.Name + ", or leave it out"
			break
		}
	}
	return a, f
}

// typed reports whether the whole answer is a code that a person could type.
func (a asked) typed() bool { return a.code && !a.token && !a.idToken && !a.jwt }

// parameters are those of the request that say so.
func (a asked) parameters(p url.Values) {
	p.Set("response_type", a.kind)
	if a.mode != "" {
		p.Set("response_mode", a.mode)
	}
}

// checkWay holds the answer to the mode that was asked for. The provider's
// error is told whichever way it came.
func checkWay(a *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	want, got := string(a.asked.way), string(a.came)
	switch {
	case a.byHand(p):
		return want, typedCode, true, nil
	case got != want && p.Get("error") != "":
		return want, got + ", with an error", true, nil
	case got != want:
		return want, got, false, fmt.Errorf("the answer came as %s, and %s was asked for", got, want)
	}
	return want, got, false, nil
}

// checkKind wants the tokens that were asked for, and nothing else: what came
// unasked lies where nobody looks after it. A missing code has words of its
// own, see checkResponse.
func checkKind(a *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	var got []string
	for _, part := range []struct {
		name  string
		asked bool
	}{{"code", a.asked.code}, {"id_token", a.asked.idToken}, {"access_token", a.asked.token}} {
		there := p.Get(part.name) != ""
		switch {
		case there && !part.asked:
			err = fmt.Errorf("it holds %s, and the response type %q asks for none", part.name, a.asked.kind)
		case !there && part.asked && part.name != "code":
			err = fmt.Errorf("it holds no %s, and the response type %q asks for one", part.name, a.asked.kind)
		}
		if there {
			got = append(got, part.name)
		}
	}
	if p.Get("error") != "" && len(got) == 0 {
		return a.asked.kind, "an error", true, nil
	}
	return a.asked.kind, strings.Join(got, ", "), false, err
}

// checkToken reads what comes with an access token (RFC 6749 4.2.2).
func checkToken(a *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	const want = "Bearer, in printable characters"
	if !a.asked.token || p.Get("error") != "" {
		return want, "no access token was asked for", true, nil
	}
	kind := p.Get("token_type")
	if !strings.EqualFold(kind, "bearer") {
		return want, fmt.Sprintf("%q", kind), false, fmt.Errorf("token_type is %q, and only Bearer was asked for", kind)
	}
	if strings.ContainsFunc(p.Get("access_token"), func(c rune) bool { return c < 0x20 || c > 0x7e }) {
		return want, "other characters", false, errors.New("access_token holds characters that no token has")
	}
	if _, _, err := lifetime(p); err != nil {
		return want, p.Get("expires_in"), false, err
	}
	return want, kind, false, nil
}
