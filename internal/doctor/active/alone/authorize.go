package alone

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/wire"
)

// requests are about authorization requests that nobody signs in to.
func requests() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A08", Name: "cors-authorize", Title: "the authorization endpoint allows no page of another origin to read it", Stage: "login", Severity: check.Error, Section: "RFC 9700 2.6",
			Why: "A page could walk the sign-in of whoever visits it.", Fix: "send no Access-Control-Allow-Origin there"}, Given: true, Run: corsAuthorize},
		{Check: check.Check{ID: "A09", Name: "unknown-client", Title: "an unknown client_id gets a page, never a redirect", Stage: "login", Severity: check.Error, Section: "RFC 6749 4.1.2.1",
			Why: "The provider would send anybody anywhere: an open redirector with a trusted name.", Fix: "show an error page"}, Run: unknownClient},
		{Check: check.Check{ID: "A12", Name: "response-type-missing", Title: "a missing or unknown response_type is an error, not a crash", Stage: "login", Severity: check.Warning, Section: "RFC 6749 3.1.1, 4.1.2.1",
			Why: "The client is to be told.", Fix: "redirect with invalid_request or unsupported_response_type"}, Given: true, Run: responseType},
		{Check: check.Check{ID: "A14", Name: "pkce-required", Title: "a public client without PKCE is refused", Stage: "login", Severity: check.Error, Section: "RFC 9700 2.1.1",
			Why: "A public client has nothing else to tie the code to it.", Fix: "demand code_challenge of public clients", Unknown: "A provider that judges after the sign-in is judged where somebody signs in.",
			Hints: []check.Hint{{Vendor: "keycloak", Text: "set \"Proof Key for Code Exchange Code Challenge Method\" to S256 for the client"}}}, Given: true, Run: pkceRequired},
		{Check: check.Check{ID: "A15", Name: "pkce-plain-refused", Title: "code_challenge_method=plain is refused", Stage: "login", Severity: check.Warning, Section: "RFC 9700 2.1.1", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why: "The verifier itself is in the request.", Fix: "take S256 alone", Unknown: "A provider that judges after the sign-in is judged where somebody signs in."}, Given: true, Run: pkcePlain},
		{Check: check.Check{ID: "A16", Name: "pkce-short", Title: "a code_challenge of 10 characters is refused", Stage: "login", Severity: check.Warning, Section: "RFC 7636 4.1, 4.2",
			Why: "A challenge that cannot come from S256 is a client's mistake, which nobody notices until the code is redeemed.", Fix: "demand 43 characters of the base64url alphabet",
			Unknown: "Whether the token endpoint refuses it later. A provider that judges after the sign-in is judged where somebody signs in."}, Given: true, Run: pkceShort},
		{Check: check.Check{ID: "A17", Name: "nonce-required", Title: "an ID token in the browser needs a nonce", Stage: "login", Severity: check.Error, Section: "OIDC Core 3.2.2.1",
			Why: "An ID token that was seen somewhere could be given to the client again.", Fix: "refuse the response type id_token without nonce", Unknown: "It runs where response_types_supported has id_token, and at a provider that judges after the sign-in where somebody signs in."}, Run: nonceRequired},
		{Check: check.Check{ID: "A18", Name: "odd-requests", Title: "an unknown parameter, another order and POST change nothing", Stage: "login", Severity: check.Error, Section: "RFC 6749 3.1; OIDC Core 3.1.2.1",
			Why: "Clients of tomorrow send parameters of tomorrow, and long requests come by POST.", Fix: "ignore what you do not know, and take POST like GET", Unknown: "It compares with a good request, at prompt=none: what a sign-in makes of an odd one it does not see."}, Given: true, Run: oddRequests},
		{Check: check.Check{ID: "A19", Name: "prompt-none", Title: "prompt=none without a session is login_required", Stage: "login", Severity: check.Error, Section: "OIDC Core 3.1.2.1, 3.1.2.6",
			Why: "Applications ask in a hidden frame whether somebody is signed in; a page instead hangs them.", Fix: "redirect with login_required or interaction_required"}, Given: true, Run: promptNone},
		{Check: check.Check{ID: "A20", Name: "error-state", Title: "errors come back with state as it was sent, and with iss where it is promised", Stage: "login", Severity: check.Error, Section: "RFC 6749 4.1.2.1; RFC 9207 2",
			Why: "A client drops an answer whose state it does not know, and its user sees nothing.", Fix: "send state back unchanged, and iss"}, Given: true, Run: errorState},
		{Check: check.Check{ID: "A21", Name: "sign-in-page", Title: "the sign-in page cannot be framed, is not cached, gives no address away, and keeps its cookies to itself", Stage: "login", Severity: check.Warning, Section: "RFC 9700 4.2.4, 4.16",
			Why: "A page in an invisible frame collects clicks; a Referer carries codes.", Fix: "send frame-ancestors or X-Frame-Options, Cache-Control: no-store and Referrer-Policy, and cookies with Secure and HttpOnly", Unknown: "It looks at one page and the way to it, with nobody signed in. A cookie that scripts have to read, as some against CSRF, may be without HttpOnly: names with csrf or xsrf are left out."}, Given: true, Run: signInPage},
		{Check: check.Check{ID: "A22", Name: "error-page-escapes", Title: "the error page escapes what it repeats", Stage: "login", Severity: check.Error, Section: "RFC 9700 4.1 (injection); CWE-79",
			Why: "Somebody else's script would run on the page where passwords are typed.", Fix: "escape &, <, >, \" and '", Unknown: "It sends one inert mark to one page."}, Given: true, Run: errorPage},
	}
}

func corsAuthorize(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Send(ctx, http.MethodGet, address+"?"+p.Request(p.Client).Encode(), nil, http.Header{"Origin": {"https://doctor.invalid"}})
	if err != nil {
		return err
	}
	if allowed := a.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
		p.Found("authorization_endpoint", "Access-Control-Allow-Origin: "+allowed, "no such header")
	}
	return nil
}

func unknownClient(ctx context.Context, p *trial.Patient) error {
	a, _, err := p.Silent(ctx, p.Client, func(q url.Values) { q.Set("client_id", "rely-doctor-no-such-client") })
	if err != nil {
		return err
	}
	if trial.Leaves(a, "rely-doctor.invalid") {
		p.Found("authorization_endpoint", trial.Described(a), "an error page")
	}
	return p.Knocks(ctx)
}

func responseType(ctx context.Context, p *trial.Patient) error {
	for what, change := range map[string]func(url.Values){
		"a missing response_type":  func(q url.Values) { q.Del("response_type") },
		"an unknown response_type": func(q url.Values) { q.Set("response_type", "rely_doctor") },
	} {
		a, _, err := p.Authorize(ctx, change)
		if err != nil {
			return err
		}
		if e := trial.Back(a, p.RedirectURI()); a.Status >= 500 || e != nil && e.Get("error") == "" {
			p.Found(what, trial.Described(a), "an error at the redirect URI, or an error page")
		}
	}
	return nil
}

func pkceRequired(ctx context.Context, p *trial.Patient) error {
	if p.Borrowed != nil && !p.Client.Secret.Empty() {
		p.Skip("the profile's client has a secret, and the rule is for those without")
		return nil
	}
	if p.Client == p.Public && p.NoPublic != nil {
		return p.NoPublic
	}
	came, yes, err := p.Accepts(ctx, p.Public, func(q url.Values) {
		q.Del("code_challenge")
		q.Del("code_challenge_method")
	})
	if yes {
		p.Found("code_challenge", "a public client goes without: "+came, "invalid_request")
	}
	return err
}

func pkcePlain(ctx context.Context, p *trial.Patient) error {
	came, yes, err := p.Accepts(ctx, p.Public, func(q url.Values) { q.Set("code_challenge_method", "plain") })
	if yes {
		p.Found("code_challenge_method", "plain: "+came, "invalid_request")
	}
	return err
}

func pkceShort(ctx context.Context, p *trial.Patient) error {
	came, yes, err := p.Accepts(ctx, p.Public, func(q url.Values) { q.Set("code_challenge", "tooshort10") })
	if yes {
		p.Found("code_challenge", "10 characters: "+came, "invalid_request")
	}
	return err
}

func nonceRequired(ctx context.Context, p *trial.Patient) error {
	if types, _ := p.Evidence.List("response_types_supported"); !slices.Contains(types, "id_token") {
		p.Skip("the provider offers no response type id_token")
		return nil
	}
	c, err := p.Another(ctx, "implicit", map[string]any{"response_types": []string{"id_token"}, "grant_types": []string{"implicit"}, "redirect_uris": []string{trial.Callback}})
	if err != nil {
		return err
	}
	came, yes, err := p.Accepts(ctx, c, func(q url.Values) {
		q.Set("response_type", "id_token")
		for _, name := range []string{"nonce", "code_challenge", "code_challenge_method"} {
			q.Del(name)
		}
	})
	if yes {
		p.Found("nonce", "without: "+came, "invalid_request")
	}
	return err
}

// oddRequests are good ones: they have to come as far as the plain one.
func oddRequests(ctx context.Context, p *trial.Patient) error {
	if err := p.Knocks(ctx); err != nil {
		return err
	}
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return err
	}
	q := p.Request(p.Client)
	q.Set("prompt", "none")
	join := "?"
	if strings.Contains(address, "?") {
		join = "&"
	}
	parts := strings.Split(q.Encode(), "&")
	slices.Reverse(parts)
	a, err := p.Send(ctx, http.MethodGet, address+join+strings.Join(parts, "&")+"&rely_doctor_unknown=1", nil, trial.AsBrowser())
	if err == nil {
		a, _, err = p.Along(ctx, a)
	}
	if err != nil {
		return err
	}
	if !trial.Taken(a, p.RedirectURI()) {
		p.Found("unknown parameter", "with one more parameter, and in another order: "+came(p, a), "login_required, as without")
	}
	if a, err = p.Post(ctx, address, q, trial.AsBrowser()); err == nil {
		a, _, err = p.Along(ctx, a)
	}
	if err == nil && !trial.Taken(a, p.RedirectURI()) && p.Dry == nil {
		p.Found("POST", came(p, a), "login_required, as by GET")
	}
	return err
}

// came is what became of a request, with the error at the redirect URI.
func came(p *trial.Patient, a *wire.Answer) string {
	if e := trial.Back(a, p.RedirectURI()); e != nil && e.Get("error") != "" {
		return "error " + e.Get("error")
	}
	return trial.Described(a)
}

func promptNone(ctx context.Context, p *trial.Patient) error {
	a, err := p.GoodSilent(ctx)
	if err != nil {
		return err
	}
	switch e := trial.Back(a, p.RedirectURI()); {
	case e == nil:
		p.Found("prompt=none", trial.Described(a), "a redirect with login_required")
	case !trial.Taken(a, p.RedirectURI()):
		p.Found("prompt=none", "error "+e.Get("error"), "login_required")
	}
	return nil
}

func errorState(ctx context.Context, p *trial.Patient) error {
	state := trial.Odd()
	a, _, err := p.Silent(ctx, p.Client, func(q url.Values) { q.Set("state", state) })
	if err != nil {
		return err
	}
	e := trial.Back(a, p.RedirectURI())
	if e == nil {
		p.Skip("the provider answers prompt=none with no redirect, which A19 tells")
		return nil
	}
	if e.Get("state") != state {
		p.Found("state", "another one, or none", "the one that was sent")
	}
	if promised, _ := p.Evidence.Flag("authorization_response_iss_parameter_supported"); promised && e.Get("iss") != p.Evidence.Issuer {
		p.Found("iss", e.Get("iss"), p.Evidence.Issuer)
	}
	return nil
}

func signInPage(ctx context.Context, p *trial.Patient) error {
	a, _, err := p.Authorize(ctx, func(url.Values) {})
	var cookies []*http.Cookie
	if err == nil {
		a, cookies, err = p.Along(ctx, a)
	}
	if err != nil {
		return err
	}
	for _, c := range cookies {
		if strings.HasPrefix(a.URL, "https:") && !c.Secure {
			p.Found("cookie "+c.Name, "without Secure", "Secure")
		}
		if name := strings.ToLower(c.Name); !c.HttpOnly && !strings.Contains(name, "csrf") && !strings.Contains(name, "xsrf") {
			p.Found("cookie "+c.Name, "without HttpOnly", "HttpOnly")
		}
	}
	if a.Status != 200 {
		p.Skip("the sign-in page was not reached: %s", trial.Described(a))
		return nil
	}
	if a.Header.Get("X-Frame-Options") == "" && !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors") {
		p.Found("frame-ancestors", "neither X-Frame-Options nor frame-ancestors", "one of them")
	}
	if !strings.Contains(strings.ToLower(a.Header.Get("Cache-Control")), "no-store") {
		p.Found("Cache-Control", "Cache-Control: "+cmp.Or(a.Header.Get("Cache-Control"), "none"), "no-store")
	}
	if a.Header.Get("Referrer-Policy") == "" {
		p.Found("Referrer-Policy", "none", "no-referrer, or another that hides the address")
	}
	return nil
}

func errorPage(ctx context.Context, p *trial.Patient) error {
	const mark = `rely<b>'"doctor`
	a, _, err := p.Authorize(ctx, func(q url.Values) { q.Set("client_id", mark) })
	if err == nil && strings.Contains(string(a.Body), "rely<b>") && strings.Contains(a.Header.Get("Content-Type"), "html") {
		p.Found("client_id", "the page repeats <b> as it is", "&lt;b&gt;")
	}
	return err
}
