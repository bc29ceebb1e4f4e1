package request

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"rely/internal/fault"
	"rely/internal/flows/ask"
	"rely/internal/idtoken"
)

// Expected is what the ID token of t has to say.
func (r *Request) Expected(t *Tokens) idtoken.Expected {
	return idtoken.Expected{
		Issuer: r.Provider.Metadata.Issuer, ClientID: r.ClientID, Algs: r.IDTokenAlgs, ClientSecret: r.ClientSecret,
		Encryption: r.Encryption, OwnKeys: r.OwnKeys, Keys: r.Provider.Keys, AccessToken: t.Access, Fresh: true, Now: r.Now(),
	}
}

// CheckIDToken fills in t.Claims and t.Ladder. Whoever asked for openid gets
// an ID token (OIDC Core 3.1.3.3).
func (r *Request) CheckIDToken(ctx context.Context, t *Tokens, e idtoken.Expected) error {
	if t.ID.Empty() {
		if !hasScope(r.Scope, "openid") {
			return r.CheckAsked(t) // plain OAuth 2.0: nobody said who signed in
		}
		return &fault.Error{Kind: fault.Protocol, ID: "idtoken.missing", Op: "check the ID token", Spec: "OIDC Core 3.1.3.3",
			Err: errors.New("the token endpoint sent no id_token, though the scope openid was asked for"), Hint: "allow the scope openid for this client at the provider"}
	}
	if e.MaxAge == nil && r.Asked != nil {
		e.MaxAge = r.Asked.MaxAge // the registered one, perhaps
	}
	var err error
	if t.Claims, t.Ladder, err = idtoken.Verify(ctx, t.ID, e); err != nil {
		return err
	}
	t.ID = t.Claims.Token // as an id_token_hint and the next run need it: signed, decrypted (OIDC Core 3.1.2.1)
	if e.Prior != nil {
		return nil
	}
	return r.CheckAsked(t)
}

// CheckAsked compares an answer that passed every check of its own with what
// was asked for, and adds that to t.Ladder.
func (r *Request) CheckAsked(t *Tokens) error {
	if r.Asked == nil {
		return nil
	}
	rungs, err := r.Asked.Compare(r.answer(t))
	t.Ladder = append(t.Ladder, rungs...)
	return err
}

// CheckRenewed is [Request.CheckAsked] for a renewal, where a provider has to
// say less.
func (r *Request) CheckRenewed(t *Tokens) error {
	if r.Asked == nil {
		return nil
	}
	return r.Asked.Renewed(r.answer(t))
}

func (r *Request) answer(t *Tokens) ask.Answer {
	p := r.Proven
	if r.DPoP != nil {
		p.Key = r.DPoP.Thumbprint()
	}
	return ask.Answer{Claims: t.Claims, Access: t.Access, Members: t.Members, Proven: p}
}

// MaxAge is the max_age that was asked for; nil where none was.
func MaxAge(param url.Values) *time.Duration {
	seconds, err := strconv.ParseInt(param.Get("max_age"), 10, 32)
	if err != nil {
		return nil
	}
	d := time.Duration(seconds) * time.Second
	return &d
}
