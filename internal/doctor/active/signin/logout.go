package signin

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
)

// logouts end the session, and come last of all that need it.
func logouts() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L31", Name: "logout-redirect", Title: "a sign-out ends the session and goes back with state, to a registered address and after a true hint alone", Stage: "account", Severity: check.Error, Section: "OIDC RP-Initiated Logout 2, 3",
			Why: "Otherwise the provider sends people wherever a link says, or leaves them signed in.", Fix: "compare post_logout_redirect_uri character by character, check the signature of id_token_hint, and end the session before the redirect",
			Unknown: "A robot presses the buttons: a page that it does not understand ends its walk, and counts as no redirect. Where a wrong request ends the session, those after it are sent without one."}, Robot: true, Login: true, Run: logoutRules},
	}
}

// A leaving is one request to the end session endpoint; those of the conformance
// suite's modules for RP-Initiated Logout are all here.
type leaving struct {
	what   string
	params url.Values
	weaker bool // a provider may have other means to know
}

// turned changes the last character of a signature but one: the last may hold
// bits that do not count.
func turned(token string) string {
	if len(token) < 2 {
		return token
	}
	at := len(token) - 2
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// unsigned says that nobody signed.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}

// wrongLeavings are those after which nobody goes back.
func wrongLeavings(hint string) []leaving {
	ask := func(pairs ...string) url.Values {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return q
	}
	const to, h = "post_logout_redirect_uri", "id_token_hint"
	return []leaving{
		{"to an address that is not registered", ask(h, hint, to, trial.SignedOut+"/other", "state", "s1"), false},
		{"to the registered address with a query added", ask(h, hint, to, trial.SignedOut+"?more=1", "state", "s2"), false},
		{"with a changed signature in id_token_hint", ask(h, turned(hint), to, trial.SignedOut, "state", "s3"), false},
		{"with an id_token_hint that nobody signed", ask(h, unsigned(hint), to, trial.SignedOut, "state", "s4"), false},
		{"without id_token_hint and client_id", ask(to, trial.SignedOut, "state", "s5"), true},
	}
}

func logoutRules(ctx context.Context, p *trial.Patient) error {
	if _, err := p.Endpoint("end_session_endpoint"); err != nil {
		return err
	}
	whole, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	if whole.IDToken == "" && p.Dry == nil {
		p.Skip("the sign-in brought no ID token for the hint")
		return nil
	}
	for _, l := range wrongLeavings(whole.IDToken) {
		came, err := p.Leave(ctx, l.params)
		if err != nil {
			return err
		}
		if came != nil && l.weaker {
			p.FoundAs(check.Warning, l.what, "the browser was sent to "+came.To.String(), "a page")
		} else if came != nil {
			p.Found(l.what, "the browser was sent to "+came.To.String(), "an error page")
		}
	}
	hint, known, err := inSession(ctx, p, whole)
	if err != nil {
		return err
	}
	return goodLeaving(ctx, p, whole.Client, hint, known)
}

// alive reports whether prompt=none brings a code.
func alive(ctx context.Context, p *trial.Patient, c *registration.Client, hint string) (bool, error) {
	g, _, err := p.Silently(ctx, c, func(q url.Values) {
		q.Set("prompt", "none")
		q.Set("id_token_hint", hint)
	})
	return err == nil && g != nil && g.Response.Get("code") != "", err
}

// inSession sees to a session that can be ended: the wrong requests may have
// done so already. known reports whether prompt=none tells of it.
func inSession(ctx context.Context, p *trial.Patient, whole *trial.Grant) (hint string, known bool, err error) {
	hint = whole.IDToken
	if known, err = alive(ctx, p, whole.Client, hint); known || err != nil || p.Dry != nil {
		return hint, known, err
	}
	g, err := p.SignIn(ctx, whole.Client, func(url.Values) {})
	if err == nil {
		err = p.Take(ctx, whole.Client, g)
	}
	if err != nil {
		return "", false, err
	}
	known, err = alive(ctx, p, whole.Client, g.IDToken)
	return g.IDToken, known, err
}

// goodLeaving is the sign-out as it should be, and then those that name no
// address: after them there is no session to be ended any more.
func goodLeaving(ctx context.Context, p *trial.Patient, c *registration.Client, hint string, known bool) error {
	state := trial.Odd()
	came, err := p.Leave(ctx, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {trial.SignedOut}, "state": {state}})
	if err != nil || p.Dry != nil {
		return err
	}
	still, err := alive(ctx, p, c, hint)
	if err != nil {
		return err
	}
	switch {
	case came == nil && known && !still:
		p.FoundAs(check.Warning, "post_logout_redirect_uri", "the session ended, and the browser was not sent back", "a redirect to the registered address")
	case came == nil:
		p.Skip("the robot did not come to the end of the sign-out's pages")
		return nil
	case came.All().Get("state") != state:
		p.Found("state", altered(came.All().Get("state"), state), "the one that was sent")
	case still:
		p.Found("session", "prompt=none brings a code after the sign-out", "login_required")
	}
	for _, q := range []url.Values{{"id_token_hint": {hint}, "post_logout_redirect_uri": {trial.SignedOut}}, {"state": {"s6"}}, {"id_token_hint": {hint}}, {}} {
		if came, err = p.Leave(ctx, q); err != nil {
			return err
		}
		switch {
		case came != nil && !q.Has("post_logout_redirect_uri"):
			p.Found("without post_logout_redirect_uri", "the browser was sent to "+came.To.String(), "a page")
		case came != nil && came.All().Has("state"):
			p.Found("state", "there is one, and none was sent", "none")
		}
	}
	return nil
}
