package alone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/wire"
)

const par = "pushed_authorization_request_endpoint"

// pushes are about pushed authorization requests.
func pushes() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A37", Name: "par-unproven", Title: "a confidential client that does not prove itself cannot push a request", Stage: "login", Severity: check.Error, Section: "RFC 9126 2, 2.1",
			Why: "That the request comes from the client is what pushing is for.", Fix: "demand at this endpoint what the client sends to the token endpoint", Unknown: "It sends client_id alone; a wrong secret is not tried here."}, Run: parUnproven},
		{Check: check.Check{ID: "A38", Name: "par-form", Title: "a pushed request has no request_uri in it, and does not come by GET", Stage: "login", Severity: check.Warning, Section: "RFC 9126 2.1, 2.3",
			Why: "A request_uri inside makes the provider fetch what somebody else names.", Fix: "answer invalid_request, and 405 to GET", Unknown: "The request_uri inside leads nowhere: whether it would be fetched is A24's.", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}}}, Given: true, Run: parForm},
		{Check: check.Check{ID: "A40", Name: "par-answer", Title: "a pushed request is answered 201, with a request_uri that nobody guesses and that lives 5 to 600 seconds", Stage: "login", Severity: check.Warning, Section: "RFC 9126 2.2, 7.1",
			Why: "Who guesses a request_uri takes the request over; one that lives for hours is found in a history.", Fix: "answer 201 with request_uri of 128 random bits and an expires_in of a minute", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Unknown: "How random a request_uri is: it goes by its length and alphabet."}, Given: true, Run: parAnswer},
		{Check: check.Check{ID: "A41", Name: "par-other-client", Title: "a request_uri is good for the client that pushed it, and for no other", Stage: "login", Severity: check.Error, Section: "RFC 9126 2.2, 4",
			Why: "One client could have its request signed in as another.", Fix: "keep the client beside the request, and compare", Unknown: "Both clients are the doctor's own."}, Run: parOther},
	}
}

// pushed is a good request as it is pushed; its answer comes at the redirect
// URI without anybody.
func pushed(p *trial.Patient, c *registration.Client) url.Values {
	q := p.Request(c)
	q.Set("prompt", "none")
	return q
}

func parUnproven(ctx context.Context, p *trial.Patient) error {
	if _, err := p.Endpoint(par); err != nil {
		return err
	}
	c, err := p.Another(ctx, "nameless", map[string]any{"token_endpoint_auth_method": "client_secret_basic"})
	if err != nil {
		return err
	}
	a, err := p.Ask(ctx, par, pushed(p, c), nil)
	if err == nil && a.Status/100 == 2 {
		p.Found(par, "client_id alone: "+trial.Described(a), "401 invalid_client")
	}
	return err
}

func parForm(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint(par)
	if err != nil {
		return err
	}
	form := pushed(p, p.Client)
	proof := p.Proof(p.Client, form)
	form.Set("request_uri", "urn:ietf:params:oauth:request_uri:of-the-doctor")
	a, err := p.Post(ctx, address, form, proof)
	if err != nil {
		return err
	}
	if a.Status/100 == 2 {
		p.Found("request_uri", trial.Described(a), "invalid_request")
	}
	form = pushed(p, p.Client)
	proof = p.Proof(p.Client, form)
	if form.Has("client_secret") {
		return errors.New("the profile's client sends its secret in the form, which does not belong into an address")
	}
	to, err := trial.With(address, form)
	if err != nil {
		return err
	}
	a, err = p.Send(ctx, http.MethodGet, to, nil, proof)
	if err == nil && isPushed(a) {
		p.Found("GET", trial.Described(a), "405")
	}
	return err
}

// isPushed reports whether an answer gives a request_uri.
func isPushed(a *wire.Answer) bool {
	uri, _ := trial.Text(a, "request_uri")
	return a.Status/100 == 2 && uri != ""
}

// push pushes a good request. The error says why nothing more can be seen.
func push(ctx context.Context, p *trial.Patient) (*wire.Answer, error) {
	form := pushed(p, p.Client)
	header := p.Proof(p.Client, form)
	a, err := p.Ask(ctx, par, form, header)
	if err == nil && a.Status/100 != 2 {
		err = fmt.Errorf("a good request was not taken: %s", trial.Described(a))
	}
	return a, err
}

func parAnswer(ctx context.Context, p *trial.Patient) error {
	if _, err := p.Endpoint(par); err != nil {
		return err
	}
	form := pushed(p, p.Client)
	header := p.Proof(p.Client, form)
	a, err := p.Ask(ctx, par, form, header)
	if err != nil || p.Dry != nil {
		return err
	}
	if a.Status != http.StatusCreated {
		p.Found("status", trial.Described(a), "201")
		if a.Status/100 != 2 {
			return nil
		}
	}
	var said struct {
		URI   string          `json:"request_uri"`
		Until json.RawMessage `json:"expires_in"`
	}
	_ = json.Unmarshal(a.Body, &said) // what cannot be read is not there
	var seconds int64
	if json.Unmarshal(said.Until, &seconds) != nil || seconds < 5 || seconds > 600 {
		p.Found("expires_in", string(said.Until)+" (seconds, or no number)", "5 to 600")
	}
	if n := bits(said.URI[strings.LastIndexAny(said.URI, ":/=")+1:]); n < 128 {
		p.Found("request_uri", fmt.Sprintf("%s: at most %d bits", said.URI, n), "128 bits that nobody guesses")
	}
	return nil
}

// bits is how much can be random in a text, by its alphabet.
func bits(s string) int {
	each := 6
	switch {
	case strings.Trim(s, "0123456789") == "":
		each = 3
	case strings.Trim(s, "0123456789abcdef-") == "", strings.Trim(s, "0123456789ABCDEF-") == "":
		each = 4
		s = strings.ReplaceAll(s, "-", "") // a UUID
	}
	return each * len(s)
}

func parOther(ctx context.Context, p *trial.Patient) error {
	if _, err := p.Endpoint(par); err != nil {
		return err
	}
	c, err := poster(ctx, p)
	if err != nil {
		return err
	}
	first, err := push(ctx, p)
	if err != nil {
		return err
	}
	uri, _ := trial.Text(first, "request_uri")
	a, _, err := p.AuthorizeAs(ctx, c, func(q url.Values) {
		clear(q)
		q.Set("client_id", c.ID)
		q.Set("request_uri", uri)
	})
	if err == nil && p.Dry == nil && (trial.Taken(a, p.RedirectURI()) || !p.Refused(a)) {
		p.Found("request_uri", "another client's: "+trial.Described(a), "an error page")
	}
	return err
}
