package signin

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
)

// answers are about what comes to the redirect URI, and how.
func answers() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L10", Name: "state-untouched", Title: "a long and odd state comes back as it was sent", Stage: "login", Severity: check.Error, Section: "RFC 6749 4.1.2",
			Why: "A client drops an answer whose state it does not know.", Fix: "keep state as it is, up to some thousand characters"}, Login: true, Given: true, Run: stateUntouched},
		{Check: check.Check{ID: "L11", Name: "iss-right", Title: "iss is in the response where it is promised, and right", Stage: "login", Severity: check.Error, Section: "RFC 9207 2, 2.4",
			Why: "A client that goes by the promise refuses the sign-in.", Fix: "send iss with the issuer, character by character"}, Login: true, Given: true, Run: issRight},
		{Check: check.Check{ID: "L13", Name: "form-post", Title: "response_mode=form_post brings code and state in a form, and no tokens", Stage: "login", Severity: check.Warning, Section: "OAuth 2.0 Form Post Response Mode 2",
			Why: "Web applications register it so that codes stay out of addresses and logs.", Fix: "answer with a page whose form posts itself to the redirect URI, or take form_post out of response_modes_supported"}, Login: true, Given: true, Run: formPost},
		{Check: check.Check{ID: "L14", Name: "answer-in-query", Title: "the answer to response_type=code is in the query, and has no tokens", Stage: "login", Severity: check.Error, Section: "RFC 6749 4.1.2; OAuth 2.0 Multiple Response Types 2.1, 3",
			Why: "A client looks in one place alone; tokens in an address end in logs.", Fix: "put code, state and iss into the query, and nothing else that is secret"}, Login: true, Given: true, Run: rightPart},
		{Check: check.Check{ID: "L34", Name: "sign-in-redirect", Title: "the form with the password is not answered with 307 or 308", Stage: "login", Severity: check.Error, Section: "RFC 9700 4.12",
			Why: "The browser would send the password on to wherever the redirect leads, in the end to the client.", Fix: "redirect with 303",
			Unknown: "It sees the requests of the robot's own sign-in."}, Robot: true, Login: true, Given: true, Run: notRepeated},
	}
}

// sessions are about the session that a sign-in leaves in the browser.
func sessions() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L16", Name: "asks-again", Title: "prompt=login and max_age ask again, and max_age brings auth_time", Stage: "login", Severity: check.Error, Section: "OIDC Core 3.1.2.1",
			Why: "An application that asks for a fresh sign-in before a payment gets an old one, and cannot tell.", Fix: "heed prompt=login and max_age, and put auth_time into the ID token where max_age was asked for",
			Unknown: "It asks in the session of the sign-in and looks whether a page is shown: what the page asks for it does not judge."}, Robot: true, Login: true, Given: true, Run: asksAgain},
	}
}

func stateUntouched(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err == nil && g.Response.Get("state") != g.State {
		p.Found("state", altered(g.Response.Get("state"), g.State), "state as it was sent")
	}
	return err
}

// altered says how a value differs from the one that was sent.
func altered(got, sent string) string {
	if once, err := url.QueryUnescape(got); err == nil && once == sent {
		return "percent-encoded once too often"
	}
	if once, err := url.QueryUnescape(sent); err == nil && once == got {
		return "decoded once too often"
	}
	if head, _, more := strings.Cut(sent, "&"); more && got != "" {
		if once, err := url.QueryUnescape(head); err == nil && once == got {
			return "not percent-encoded: it ends at its first &"
		}
	}
	if got == "" {
		return "none"
	}
	return fmt.Sprintf("another one: %d characters, not the %d that were sent", len(got), len(sent))
}

func issRight(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	promised, _ := p.Evidence.Flag("authorization_response_iss_parameter_supported")
	switch iss := g.Response.Get("iss"); {
	case iss == p.Evidence.Issuer:
	case iss != "":
		p.Found("iss", iss, p.Evidence.Issuer)
	case promised:
		p.Found("iss", "none, and the metadata promises it", p.Evidence.Issuer)
	default:
		p.Skip("the provider sends no iss and promises none, which P18 tells")
	}
	return nil
}

// tokenNames are what has no place in the answer to response_type=code.
func tokenNames() []string {
	return []string{"access_token", "id_token", "refresh_token", "token_type"}
}

func formPost(ctx context.Context, p *trial.Patient) error {
	if modes, _ := p.Evidence.List("response_modes_supported"); !slices.Contains(modes, "form_post") {
		p.Skip("the provider does not list form_post")
		return nil
	}
	g, err := p.SignIn(ctx, p.Client, func(q url.Values) { q.Set("response_mode", "form_post"); q.Set("state", trial.Odd()) })
	if err != nil || p.Dry != nil {
		return err
	}
	if g.Came.Form.Get("code") == "" {
		p.Found("response_mode", "the code came in the address", "a form that is posted to the redirect URI")
		return nil
	}
	for _, name := range tokenNames() {
		if g.Response.Has(name) {
			p.Found(name, "it is there, and was not asked for", "code, state and iss")
		}
	}
	if got := g.Came.Form.Get("state"); got != g.State {
		p.Found("state", altered(got, g.State), "state as it was sent")
	}
	return nil
}

func rightPart(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	if g.Came.Query.Get("code") == "" {
		p.Found("code", "it came in the fragment, or in a form", "in the query")
	}
	for _, name := range tokenNames() {
		if g.Response.Has(name) {
			p.Found(name, "it is in the address, and was not asked for", "code, state and iss")
		}
	}
	return nil
}

func notRepeated(ctx context.Context, p *trial.Patient) error {
	_, err := p.Whole(ctx)
	if seen := p.Repeated(); seen != "" {
		p.Found("authorization_endpoint", seen, "303")
		return nil
	}
	return err
}

// asksAgain looks at what the session of the sign-in is good for. The robot
// types nothing here: a page is the answer.
func asksAgain(ctx context.Context, p *trial.Patient) error {
	whole, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	with := func(pairs ...string) func(url.Values) {
		return func(q url.Values) {
			for i := 0; i < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			if whole.IDToken != "" {
				q.Set("id_token_hint", whole.IDToken)
			}
		}
	}
	g, a, err := p.Silently(ctx, whole.Client, with("prompt", "none", "max_age", "36000"))
	switch {
	case err != nil:
		return err
	case p.Dry != nil:
	case g == nil || g.Response.Get("code") == "":
		p.Skip("in the session of the sign-in prompt=none is answered with %s, so that nothing can be seen", outcome(g, trial.Described(a)))
		return nil
	default:
		if err := p.Take(ctx, whole.Client, g); err != nil {
			return err
		}
		if said := trial.Claims(g.IDToken); said.AuthTime == 0 {
			seen := "none, though max_age was asked for"
			if _, there := said.All["auth_time"]; there {
				seen = "0, which is in 1970"
			}
			p.Found("auth_time", seen, "the time of the sign-in")
		}
	}
	if g, _, err = p.Silently(ctx, whole.Client, with("prompt", "login")); err != nil {
		return err
	}
	if g != nil && g.Response.Get("code") != "" {
		p.Found("prompt=login", "a code at once", "a page that asks to sign in")
	}
	if d := 2100*time.Millisecond - p.Now().Sub(whole.When); d > 0 {
		if err := p.Wait(ctx, d); err != nil {
			return err
		}
	}
	g, _, err = p.Silently(ctx, whole.Client, with("max_age", "1"))
	if err == nil && g != nil && g.Response.Get("code") != "" {
		p.Found("max_age=1", "a code at once, two seconds after the sign-in", "a page that asks to sign in")
	}
	return err
}

// outcome is how a silent request ended, in words.
func outcome(g *trial.Grant, page string) string {
	if g == nil {
		return "a page (" + page + ")"
	}
	if e := g.Response.Get("error"); e != "" {
		return strings.TrimSuffix(e+" ("+g.Response.Get("error_description")+")", " ()")
	}
	return "nothing"
}
