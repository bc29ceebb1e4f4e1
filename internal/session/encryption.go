package session

import (
	"context"
	"encoding/json"

	"rely/internal/flows/request"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/store"
)

// encryption is how the settings say that the client's ID tokens, or its
// UserInfo, are encrypted, and the keys that open them.
func (k *Keeper) encryption(what string, client *store.Client) (jose.Encryption, []jose.Private, error) {
	e := jose.Encryption{Alg: k.Settings.String(what + "_encrypted_response_alg"), Enc: k.Settings.String(what + "_encrypted_response_enc")}
	if err := e.Check(); err != nil || e.None() {
		return e, nil, err
	}
	name := k.Settings.String("client_key_file")
	keys, err := k.Key()
	if err != nil {
		return e, nil, err
	}
	if keys.Empty() {
		name, keys = "the profile's client record", client.Keys
	}
	var own []jose.Private
	if !keys.Empty() && e.Asymmetric() {
		if own, err = jose.ParseDecryption(name, keys); err != nil {
			return e, nil, err
		}
	}
	return e, own, e.Openable(own, client.Secret)
}

// Userinfo asks who the session's access token belongs to, by the form of
// answer that the client is registered for.
func (k *Keeper) Userinfo(ctx context.Context, p *provider.Provider, s *store.Session) (map[string]json.RawMessage, error) {
	return k.Ask(ctx, p, s, false)
}

// Ask is [Keeper.Userinfo], by POST where that is wanted.
func (k *Keeper) Ask(ctx context.Context, p *provider.Provider, s *store.Session, post bool) (map[string]json.RawMessage, error) {
	a, err := k.asking(ctx, s)
	if err != nil {
		return nil, err
	}
	a.Post = post
	return k.userinfo(ctx, p, s, a)
}

// asking is the question, and the form that the answer has to have.
func (k *Keeper) asking(ctx context.Context, s *store.Session) (provider.Asking, error) {
	a := provider.Asking{Access: s.Access, Subject: s.Subject, ClientID: s.ClientID, Now: k.Now}
	if k.Settings.String("userinfo_signed_response_alg") == "" && k.Settings.String("userinfo_encrypted_response_alg") == "" {
		return a, nil // nothing of the client's own is needed
	}
	client, err := k.Client(ctx)
	if err != nil {
		return a, err
	}
	a.ClientSecret = client.Secret
	if a.Encryption, a.OwnKeys, err = k.encryption("userinfo", client); err != nil {
		return a, err
	}
	if alg := k.Settings.String("userinfo_signed_response_alg"); alg != "" {
		a.Algs = request.IDTokenAlgs(alg, nil)
	}
	return a, nil
}
