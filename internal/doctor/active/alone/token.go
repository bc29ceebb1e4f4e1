package alone

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/wire"
)

// tokenRequests are about the token endpoint.
func tokenRequests() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A01", Name: "token-no-client", Title: "the token endpoint refuses a request without a client, as JSON", Stage: "client", Severity: check.Error, Section: "RFC 6749 5.2",
			Why: "A client that gets a web page or a 500 cannot tell its user what is wrong.", Fix: "answer 400 or 401 with a JSON object that has error"}, Given: true, Run: tokenNoClient},
		{Check: check.Check{ID: "A06", Name: "grant-unknown", Title: "an unknown grant_type is refused with unsupported_grant_type", Stage: "client", Severity: check.Warning, Section: "RFC 6749 5.2",
			Why: "Clients go by the code to choose another grant.", Fix: "answer unsupported_grant_type"}, Given: true, Run: grantUnknown},
		{Check: check.Check{ID: "A07", Name: "token-errors", Title: "errors of the token endpoint are JSON, not to be cached, and repeat no secret", Stage: "client", Severity: check.Warning, Section: "RFC 6749 5.1, 5.2",
			Why: "What is cached or logged with a secret in it is one no more.", Fix: "send Content-Type: application/json and Cache-Control: no-store, and no parameter of the request"}, Given: true, Run: tokenErrors},
		{Check: check.Check{ID: "A03", Name: "token-get", Title: "the token endpoint refuses GET", Stage: "client", Severity: check.Error, Section: "RFC 6749 3.2",
			Why: "Codes and secrets end in logs, and a link or an image of somebody else's page can make the request.", Fix: "answer 405 to everything but POST",
			Unknown: "It sends a code that there is not: an answer of invalid_grant is taken as proof that the request was read."}, Given: true, Run: tokenGet},
		{Check: check.Check{ID: "A04", Name: "credentials-in-query", Title: "a client secret or a code in the query of a token request is not taken", Stage: "client", Severity: check.Warning, Section: "RFC 6749 2.3.1, 3.2",
			Why: "Addresses end in the logs of servers and proxies.", Fix: "read the parameters of token requests from the body alone", Demands: []check.Demand{{For: "oauth21", Severity: check.Error}, {For: "fapi2", Severity: check.Error}},
			Unknown: "It goes by invalid_grant for a code that there is not, and sends one secret, the right one of a client made for it."}, Run: inQuery},
		{Check: check.Check{ID: "A05", Name: "repeated-parameters", Title: "a parameter that is there twice is refused, at the token and the authorization endpoint", Stage: "client", Severity: check.Warning, Section: "RFC 6749 3.1, 3.2",
			Why: "Two readers of such a request, as a filter in front and the provider behind, take different values.", Fix: "answer invalid_request",
			Unknown: "It repeats code and nonce alone; other parameters may be treated otherwise."}, Given: true, Run: repeated},
	}
}

// lastOfAll may cost a client its life: a provider may lock it.
func lastOfAll() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A02", Name: "wrong-secret", Title: "a client with a wrong secret, or with two proofs at once, or with another than it registered, is refused",
			Stage: "client", Severity: check.Error, Section: "RFC 6749 2.3, 2.3.1, 5.2; OIDC Core 9",
			Why:     "Where the secret is not compared, anybody is any client. Where the way of proving does not count, a leak on the weaker way is enough.",
			Fix:     "compare the secret, go by token_endpoint_auth_method, and answer 401 invalid_client, with WWW-Authenticate where Basic was used",
			Unknown: "Each is tried once and with a client of its own, so that none is locked out. Another way than the registered one is a warning: RFC 6749 leaves it to the provider."}, Run: wrongProof},
	}
}

func tokenNoClient(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Post(ctx, address, url.Values{"grant_type": {"authorization_code"}, "code": {"none"}}, nil)
	if err != nil {
		return err
	}
	if a.Status != 400 && a.Status != 401 || trial.OAuthError(a) == "" {
		p.Found("token_endpoint", trial.Described(a), "400 or 401 with a JSON object that has error")
	}
	return nil
}

func grantUnknown(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"urn:rely:doctor:no-such-grant"}}
	header := p.Proof(p.Client, form)
	a, err := p.Post(ctx, address, form, header)
	if err != nil {
		return err
	}
	if trial.OAuthError(a) != "unsupported_grant_type" {
		p.Found("token_endpoint", trial.Described(a), "unsupported_grant_type")
	}
	return nil
}

func tokenErrors(ctx context.Context, p *trial.Patient) error {
	a, err := p.AnswerToJunk(ctx)
	if err != nil {
		return err
	}
	if kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";"); kind != "application/json" {
		p.Found("Content-Type", kind, "application/json")
	}
	if c := a.Header.Get("Cache-Control"); !strings.Contains(strings.ToLower(c), "no-store") {
		p.Found("Cache-Control", "Cache-Control: "+cmp.Or(c, "none"), "no-store")
	}
	if secret := p.Client.Secret.Reveal(); secret != "" && bytes.Contains(a.Body, []byte(secret)) {
		p.Found("token_endpoint", "the answer repeats the client secret (not shown)", "no secret")
	}
	return nil
}

func tokenGet(ctx context.Context, p *trial.Patient) error {
	if err := p.Trusts(ctx); err != nil {
		return err
	}
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := trial.Junk()
	header := p.Proof(p.Client, form)
	if form.Has("client_secret") {
		return errors.New("the profile's client sends its secret in the form, which does not belong into an address")
	}
	to, err := trial.With(address, form)
	if err != nil {
		return err
	}
	a, err := p.Send(ctx, http.MethodGet, to, nil, header)
	if err == nil && p.Believed(a) {
		p.Found("token_endpoint", "GET: "+trial.Described(a), "405, or invalid_request")
	}
	return err
}

// inQuery sends a code in the query, and then the secret of a client that
// sends it in the body: what is not looked for there is missing.
func inQuery(ctx context.Context, p *trial.Patient) error {
	if err := p.Trusts(ctx); err != nil {
		return err
	}
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	try := func(part string, query, form url.Values, header http.Header) error {
		to, err := trial.With(address, query)
		if err != nil {
			return err
		}
		a, err := p.Post(ctx, to, form, header)
		if err == nil && p.Believed(a) {
			p.Found("token_endpoint, "+part, "it is read from the query: "+trial.Described(a), "invalid_request or invalid_client")
		}
		return err
	}
	form := trial.Junk()
	query := url.Values{"grant_type": form["grant_type"], "code": form["code"]}
	form.Del("grant_type") // who answers invalid_grant has read it from the query
	form.Del("code")
	if err := try("code", query, form, trial.Basic(p.Client, p.Client.Secret.Reveal())); err != nil {
		return err
	}
	c, err := poster(ctx, p)
	if err != nil {
		return err
	}
	return try("client_secret", url.Values{"client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}, trial.Junk(), nil)
}

// poster sends its secret in the body.
func poster(ctx context.Context, p *trial.Patient) (*registration.Client, error) {
	return p.Another(ctx, "poster", map[string]any{"token_endpoint_auth_method": "client_secret_post"})
}

func repeated(ctx context.Context, p *trial.Patient) error {
	if err := p.Trusts(ctx); err != nil {
		return err
	}
	form := trial.Junk()
	form.Add("code", "another-code-of-the-doctor-0123456789")
	header := p.Proof(p.Client, form)
	a, err := p.Ask(ctx, "token_endpoint", form, header)
	if err != nil {
		return err
	}
	if p.Believed(a) || a.Status >= 500 {
		p.Found("token_endpoint", "two codes: "+trial.Described(a), "invalid_request")
	}
	came, yes, err := p.Accepts(ctx, p.Client, func(q url.Values) { q.Add("nonce", "another") })
	if yes {
		p.Found("authorization_endpoint", "two nonces: "+came, "invalid_request")
	}
	return err
}

// wrongProof fails three times, each time with another client.
func wrongProof(ctx context.Context, p *trial.Patient) error {
	control := minds(ctx, p)
	if control != nil && p.Trusts(ctx) == nil {
		return control
	}
	a, err := p.Ask(ctx, "token_endpoint", trial.Junk(), trial.Basic(p.Client, "not-the-secret-0123456789abcdef"))
	if err != nil {
		return err
	}
	if trial.OAuthError(a) != "invalid_client" {
		p.Found("token_endpoint", "a wrong secret: "+trial.Described(a), "invalid_client")
	} else if a.Status != 401 || a.Header.Get("WWW-Authenticate") == "" {
		p.Found("token_endpoint", trial.Described(a)+" and "+challenged(a)+", to a client that used Basic", "401 with WWW-Authenticate: Basic (RFC 6749 5.2)")
	}
	if control != nil {
		return control
	}
	c, err := p.Another(ctx, "other way", map[string]any{"token_endpoint_auth_method": "client_secret_basic"})
	if err != nil {
		return err
	}
	form := trial.Junk()
	form.Set("client_id", c.ID)
	form.Set("client_secret", c.Secret.Reveal())
	if a, err = p.Ask(ctx, "token_endpoint", form, nil); err != nil {
		return err
	}
	if p.Believed(a) {
		p.FoundAs(check.Warning, "client_secret_post", "the client registered client_secret_basic, and may send its secret in the body: "+trial.Described(a), "invalid_client")
	}
	if c, err = p.Another(ctx, "two ways", map[string]any{"token_endpoint_auth_method": "client_secret_basic"}); err != nil {
		return err
	}
	form.Set("client_id", c.ID)
	form.Set("client_secret", c.Secret.Reveal())
	if a, err = p.Ask(ctx, "token_endpoint", form, trial.Basic(c, c.Secret.Reveal())); err == nil && p.Believed(a) {
		p.FoundAs(check.Warning, "two ways", "the secret is in the header and in the body: "+trial.Described(a), "invalid_request")
	}
	return err
}

func challenged(a *wire.Answer) string {
	if said := a.Header.Get("WWW-Authenticate"); said != "" {
		return "WWW-Authenticate: " + said
	}
	return "no WWW-Authenticate"
}
