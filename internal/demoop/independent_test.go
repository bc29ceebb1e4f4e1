package demoop_test

import (
	"context"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rely/internal/demoop"
)

// TestIndependentClient lets a client that somebody else wrote walk through
// the good provider.
func TestIndependentClient(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path, client, secret string
		faults               []string
	}{
		"a public client":                        {client: "demo"},
		"an issuer with a path":                  {client: "demo", path: "/tenant/one"},
		"a confidential client":                  {client: "web", secret: "web-secret-0123456789abcdef"},
		"PKCE without a secret, answer by query": {client: "demo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, tt.path, func(opt *demoop.Options) { opt.Faults = tt.faults })
			ctx := oidc.ClientContext(t.Context(), o.http)
			p, err := oidc.NewProvider(ctx, o.issuer)
			if err != nil {
				t.Fatal(err)
			}
			conf := oauth2.Config{ClientID: tt.client, ClientSecret: tt.secret, Endpoint: p.Endpoint(), RedirectURL: callback,
				Scopes: []string{"openid", "profile", "email"}}
			conf.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
			if tt.secret == "" {
				conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
			}
			verifier := oauth2.GenerateVerifier()
			got := o.signIn(o.browser(), conf.AuthCodeURL("st", oidc.Nonce("no"), oauth2.S256ChallengeOption(verifier)))
			if got.Get("state") != "st" || got.Get("iss") != o.issuer {
				t.Errorf("got the answer %v, want our state and the issuer %s", got, o.issuer)
			}
			tok, err := conf.Exchange(ctx, got.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			first := check(ctx, t, p, tt.client, tok)
			if first.Nonce != "no" {
				t.Errorf("got nonce %q, want no", first.Nonce)
			}
			info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			if err != nil {
				t.Fatal(err)
			}
			if info.Subject != first.Subject || info.Email != "alice@demo.example" || !info.EmailVerified {
				t.Errorf("got %+v, want alice", info)
			}
			// A turned key changes nothing for a client that looks again.
			if err := o.RotateKeys(); err != nil {
				t.Fatal(err)
			}
			tok.Expiry = time.Now().Add(-time.Hour)
			next, err := conf.TokenSource(ctx, tok).Token()
			if err != nil {
				t.Fatal(err)
			}
			if second := check(ctx, t, p, tt.client, next); second.Subject != first.Subject || next.RefreshToken == tok.RefreshToken {
				t.Errorf("got %+v after a refresh, want the same person and a new refresh token", second)
			}
		})
	}
}

func check(ctx context.Context, t *testing.T, p *oidc.Provider, client string, tok *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, _ := tok.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: client}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
		t.Error(err)
	}
	return id
}
