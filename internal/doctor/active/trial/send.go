package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// Get asks an address with parameters and follows nothing.
func (p *Patient) Get(ctx context.Context, address string, q url.Values) (*wire.Answer, error) {
	to, err := With(address, q)
	if err != nil {
		return nil, err
	}
	return p.Send(ctx, http.MethodGet, to, nil, nil)
}

// With is an address with parameters more.
func With(address string, q url.Values) (string, error) {
	u, err := with(address, q)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// Post sends a form.
func (p *Patient) Post(ctx context.Context, address string, form url.Values, header http.Header) (*wire.Answer, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.Send(ctx, http.MethodPost, address, strings.NewReader(form.Encode()), header)
}

// Send sends any request, and follows nothing.
func (p *Patient) Send(ctx context.Context, method, address string, body *strings.Reader, header http.Header) (*wire.Answer, error) {
	var req *http.Request
	var err error
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, method, address, nil)
	} else {
		req, err = http.NewRequestWithContext(ctx, method, address, body)
	}
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		req.Header[name] = v
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json, text/html;q=0.5")
	}
	return p.hc.Do(ctx, "try "+p.check.ID, req, wire.Document)
}

// Ask posts a form to an endpoint of the metadata.
func (p *Patient) Ask(ctx context.Context, endpoint string, form url.Values, header http.Header) (*wire.Answer, error) {
	address, err := p.Endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	return p.Post(ctx, address, form, header)
}

// Junk is a token request with a code that there is not.
func Junk() url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {"code-of-the-doctor-0123456789"}, "redirect_uri": {Callback}, "code_verifier": {NewKey().Verifier}}
}

// AnswerToJunk is what a client that proves itself gets for a code that there is
// not, asked for once: mostly invalid_grant (RFC 6749 5.2).
func (p *Patient) AnswerToJunk(ctx context.Context) (*wire.Answer, error) {
	if p.junk != nil {
		return p.junk, nil
	}
	form := Junk()
	header := p.Proof(p.Client, form)
	a, err := p.Ask(ctx, "token_endpoint", form, header)
	if err == nil {
		p.junk = a
	}
	return a, err
}

// Trusts reports whether what the provider says to [Junk] tells a client that
// was believed from one that was not. The error says that it does not: then a
// wrong request shows nothing.
func (p *Patient) Trusts(ctx context.Context) error {
	a, err := p.AnswerToJunk(ctx)
	if code := OAuthError(a); err == nil && p.Dry == nil && (code == "" || code == "invalid_client" || code == "invalid_request") {
		err = fmt.Errorf("a client that proves itself gets %s for a code that there is not, so that nothing can be seen", Described(a))
	}
	return err
}

// Believed reports whether a token request got past the proof of the client:
// it brought something, or it came to the same as a good one with such a code.
func (p *Patient) Believed(a *wire.Answer) bool {
	code := OAuthError(a)
	return a.Status/100 == 2 || code == "invalid_grant" || p.junk != nil && code != "" && code == OAuthError(p.junk)
}

// Basic proves the client with a secret.
func Basic(c *registration.Client, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(password))
	return r.Header
}

// OAuthError is the error code of an answer, empty where it is none.
func OAuthError(a *wire.Answer) string {
	if a == nil {
		return ""
	}
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.Body, &e) != nil {
		return ""
	}
	return e.Error
}

// Described is an answer in a few words.
func Described(a *wire.Answer) string {
	out := fmt.Sprintf("status %d", a.Status)
	if e := OAuthError(a); e != "" {
		out += ", " + e
	}
	if to := a.Header.Get("Location"); to != "" {
		base, _, _ := strings.Cut(to, "?")
		out += ", to " + base
	}
	return out
}

// Words are an answer, or why there is none.
func Words(a *wire.Answer, err error) string {
	if err != nil {
		return err.Error()
	}
	return Described(a)
}

// Text is a member of a JSON answer.
func Text(a *wire.Answer, name string) (string, bool) {
	var members map[string]any
	if json.Unmarshal(a.Body, &members) != nil {
		return "", false
	}
	s, is := members[name].(string)
	return s, is
}

// Enrol sends a registration that should be refused, or that is of no use. What
// is taken is deleted at once.
func (p *Patient) Enrol(ctx context.Context, metadata map[string]any) (*wire.Answer, error) {
	address, err := p.Endpoint("registration_endpoint")
	if err == nil {
		err = p.more()
	}
	if err != nil {
		return nil, err
	}
	all := map[string]any{"client_name": ClientName, "redirect_uris": []string{Callback}, "response_types": []string{"code"},
		"grant_types": []string{"authorization_code"}, "token_endpoint_auth_method": "client_secret_basic"}
	maps.Copy(all, metadata)
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if !p.Initial.Empty() {
		header.Set("Authorization", "Bearer "+p.Initial.Reveal())
	}
	p.gate.owe(1)
	a, err := p.Send(ctx, http.MethodPost, address, strings.NewReader(string(body)), header)
	p.gate.owe(-1)
	if err == nil && a.Status/100 == 2 {
		p.forget(ctx, a)
	}
	return a, err
}

// forget deletes a client that should never have been made, or has it named at
// the end.
func (p *Patient) forget(ctx context.Context, a *wire.Answer) {
	uri, _ := Text(a, "registration_client_uri")
	token, _ := Text(a, "registration_access_token")
	if _, err := wire.Endpoint("registration_client_uri", uri, p.Evidence.Issuer); err != nil {
		id, _ := Text(a, "client_id")
		p.made, p.stays = append(p.made, &registration.Client{ID: id}), true
		return
	}
	_, _ = p.Send(context.WithoutCancel(ctx), http.MethodDelete, uri, nil, http.Header{"Authorization": {"Bearer " + token}})
}

// Says reports whether a member of an answer is true.
func Says(a *wire.Answer, name string) bool {
	var members map[string]any
	if json.Unmarshal(a.Body, &members) != nil {
		return false
	}
	yes, _ := members[name].(bool)
	return yes
}

// Number is a member of an answer that is a number; 0 where it is none.
func Number(a *wire.Answer, name string) float64 {
	var members map[string]any
	if a == nil || json.Unmarshal(a.Body, &members) != nil {
		return 0
	}
	n, _ := members[name].(float64)
	return n
}
