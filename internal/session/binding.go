package session

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"rely/internal/dpop"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/ask"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/store"
	"rely/internal/wire"
)

// bind has the tokens of r bound to a key where the settings or the session
// say so: the session's own, because the refresh token of a public client is
// bound to it (RFC 9449 5), or else a new one.
func (k *Keeper) bind(r *flows.Request, old *store.Session) error {
	var err error
	switch {
	case old != nil && k.belongs(old) && !old.DPoPKey.Empty():
		r.DPoP, err = dpop.Open(old.DPoPKey, k.Now)
	case old != nil && k.belongs(old) && !old.Refresh.Empty():
		r.DPoP = nil // what is renewed was not bound
	case k.Settings.Bool("dpop") || k.Settings.Bool("fapi") && !constrained(&r.Provider.Metadata, r.Proven):
		if r.DPoP != nil {
			return nil
		}
		var listed []string
		_ = json.Unmarshal(r.Provider.Metadata.Raw["dpop_signing_alg_values_supported"], &listed)
		if k.Settings.Bool("fapi") {
			listed = within(listed, fapiAlgs())
		}
		var alg string
		if alg, err = dpop.Choose(listed); err == nil {
			r.DPoP, err = dpop.New(alg, k.Now)
		}
	}
	if err != nil || r.DPoP == nil {
		return err
	}
	if entry, _ := flows.Find(k.Settings.String("flow")); entry.Person {
		r.Param.Set("dpop_jkt", r.DPoP.Thumbprint()) // binds the code (RFC 9449 10)
	}
	return nil
}

// holds is what the client proves on the connection, and what it registered of
// that.
func (k *Keeper) holds(client *store.Client) (ask.Proven, error) {
	own, err := k.Certificate(client)
	if err != nil {
		return ask.Proven{}, err
	}
	var is struct {
		Bound bool `json:"tls_client_certificate_bound_access_tokens"`
	}
	_ = json.Unmarshal(client.Metadata, &is) // a client made by hand has none
	return ask.Proven{Certificate: jose.CertificateThumbprint(own), Wanted: is.Bound}, nil
}

// Bound compares an introspection of the session's access token with what the
// token has to be bound to.
func (k *Keeper) Bound(client *store.Client, s *store.Session, members map[string]json.RawMessage) ([]idtoken.Rung, error) {
	p, err := k.holds(client)
	if err == nil && !s.DPoPKey.Empty() {
		var prover *dpop.Prover
		if prover, err = dpop.Open(s.DPoPKey, k.Now); err == nil {
			p.Key = prover.Thumbprint()
		}
	}
	if err != nil {
		return nil, err
	}
	return ask.Introspected(members, p)
}

// NotForUse refuses to send a token that is only there to be handed on.
func NotForUse() error {
	return &fault.Error{Kind: fault.Usage, ID: "session.not-for-use", Op: "use the session's token", Spec: "RFC 8693 2.2.1",
		Err:  errors.New("its token_type is N_A: it is no access token, and no resource takes it in a header"),
		Hint: "hand it on as it is with \"rely tokens\", or exchange for another with --requested-token-type access_token"}
}

// Through is how requests with a session's access token go out: as they are, or
// each with a proof. The scheme is that of their Authorization header.
func (k *Keeper) Through(s *store.Session, base http.RoundTripper) (through http.RoundTripper, scheme string, err error) {
	if s.Handed() {
		return nil, "", NotForUse()
	}
	if s.DPoPKey.Empty() {
		return base, s.Scheme(), nil
	}
	p, err := dpop.Open(s.DPoPKey, k.Now)
	if err != nil {
		return nil, "", err
	}
	return &dpop.Transport{Base: base, Prover: p}, s.Scheme(), nil
}

// Proof is the proof for one request that another program makes with the
// session's access token. A nonce that the server wants is not in it.
func (k *Keeper) Proof(s *store.Session, method string, to *url.URL) (string, error) {
	p, err := dpop.Open(s.DPoPKey, k.Now)
	if err != nil {
		return "", err
	}
	return p.Proof(method, to, s.Access)
}

// userinfo asks with the session's token, and its proof where it needs one.
func (k *Keeper) userinfo(ctx context.Context, p *provider.Provider, s *store.Session, a provider.Asking) (map[string]json.RawMessage, error) {
	hc, err := k.HTTP()
	if err != nil {
		return nil, err
	}
	var bound wire.Client = *hc
	if bound.Base, a.Scheme, err = k.Through(s, hc.Base); err != nil {
		return nil, err
	}
	return p.Userinfo(ctx, &bound, a)
}
