package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// plain reports whether the answer is JSON as it stands.
func (ask Asking) plain() bool { return len(ask.Algs) == 0 && ask.Encryption.None() }

func (ask Asking) accepts() string {
	if ask.plain() {
		return "application/json"
	}
	return "application/jwt"
}

// claims takes an answer out of what it was registered to be wrapped in (OIDC
// Core 5.3.2): encrypted, signed, both, or neither. Any other form is refused.
func (p *Provider) claims(ctx context.Context, op string, ask Asking, a *wire.Answer) (map[string]json.RawMessage, error) {
	f := &fault.Error{Kind: fault.Protocol, ID: "userinfo.form", Op: op, Spec: "OIDC Core 5.3.2",
		Hint: "compare userinfo_signed_response_alg and userinfo_encrypted_response_alg with the client's registration"}
	switch t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); {
	case ask.plain() && t == "application/jwt":
		return nil, unexpected(f, string(a.Body))
	case ask.plain():
		return a.JSON(op)
	case t != "application/jwt":
		f.Err = fmt.Errorf("the provider answered with %q, and the client is registered for a JWT", t)
		return nil, f
	}
	text := string(a.Body)
	if !ask.Encryption.None() {
		var err error
		if text, err = ask.open(text); err != nil {
			return nil, reword(f, err)
		}
	}
	if len(ask.Algs) == 0 {
		return inside(f, []byte(text))
	}
	signed, err := jose.Parse(text)
	if err == nil {
		err = p.verify(ctx, ask, signed)
	}
	if err != nil {
		return nil, reword(f, err)
	}
	if err := claimsToken(f, signed.Header.Typ); err != nil {
		return nil, err
	}
	members, err := inside(f, signed.Payload)
	if err == nil {
		err = ask.forUs(f, p.Metadata.Issuer, members)
	}
	if err == nil && ask.Now != nil {
		err = current(f, members, ask.Now())
	}
	return members, err
}

// unexpected is a JWT that the settings do not speak of: the administrator's
// registration may. Its header is no reason to believe it, and says what to set.
func unexpected(f *fault.Error, text string) error {
	const undo = ", or take it out of the client's registration"
	f.ID, f.Err = "userinfo.jwt", errors.New("the provider answered with a JWT, which this client did not register for")
	f.Hint = "remove userinfo_signed_response_alg and userinfo_encrypted_response_alg from the client's registration, or run \"rely register update\""
	if sealed, err := jose.ParseEncrypted(text); err == nil {
		e := jose.Encryption{Alg: sealed.Alg, Enc: sealed.Enc}
		f.Err = fmt.Errorf("the provider answered with a JWT that is encrypted (alg %.40q, enc %.40q), which the settings do not say", sealed.Alg, sealed.Enc)
		if e.Check() != nil {
			f.Hint = "register another userinfo_encrypted_response_alg, as ECDH-ES or RSA-OAEP-256"
			return f
		}
		f.Hint = fmt.Sprintf("if it is registered so, run \"rely profile set userinfo_encrypted_response_alg=%s userinfo_encrypted_response_enc=%s\"", e.Alg, e.Enc)
		if e.Asymmetric() {
			f.Hint += fmt.Sprintf(" and give the private key of %.100q with --client-key-file FILE", sealed.Kid)
		}
		f.Hint += undo
	} else if signed, err := jose.Parse(text); err == nil && slices.Contains(jose.Algorithms(), signed.Header.Alg) {
		f.Err = fmt.Errorf("the provider answered with a JWT that is signed (alg %s), which the settings do not say", signed.Header.Alg)
		f.Hint = fmt.Sprintf("if it is registered so, run \"rely profile set userinfo_signed_response_alg=%s\"", signed.Header.Alg) + undo
	}
	return f
}

// claimsToken refuses a token that says it is of another kind (RFC 8725 3.11).
// UserInfo has no registered type; a provider's own says that it is UserInfo.
func claimsToken(f *fault.Error, typ string) error {
	if kind := strings.ToLower(typ); strings.HasSuffix(kind, "+jwt") && !strings.HasSuffix(kind, "userinfo+jwt") {
		f.ID, f.Spec, f.Err = "userinfo.typ", "RFC 8725 3.11", fmt.Errorf("the typ %.100q is that of another kind of token", typ)
		return f
	}
	return nil
}

// current refuses an answer that is over or not yet good, where it says so (RFC
// 7519 4.1.4, 4.1.5), with half a minute between the clocks.
func current(f *fault.Error, members map[string]json.RawMessage, now time.Time) error {
	const skew = 30
	for name, wrong := range map[string]func(at float64) bool{
		"exp": func(at float64) bool { return float64(now.Unix())-skew > at },
		"nbf": func(at float64) bool { return float64(now.Unix())+skew < at },
	} {
		var at float64
		if raw, there := members[name]; there && (json.Unmarshal(raw, &at) != nil || wrong(at)) {
			f.ID, f.Spec, f.Err = "userinfo.date", "RFC 7519 4.1.4", fmt.Errorf("%q is %.40s, and it is %d", name, raw, now.Unix())
			f.Hint = "check this computer's clock, then ask again"
			return f
		}
	}
	return nil
}

func (ask Asking) open(text string) (string, error) {
	sealed, err := jose.ParseEncrypted(text)
	if err != nil {
		return "", err
	}
	inner, err := sealed.Decrypt(ask.Encryption, ask.OwnKeys, ask.ClientSecret)
	return string(inner), err
}

// verify asks for the keys once more when they do not do (OIDC Core 10.1.1).
func (p *Provider) verify(ctx context.Context, ask Asking, signed *jose.Signed) error {
	if err := signed.Allowed(ask.Algs); err != nil {
		return err
	}
	var err error
	for _, refetch := range []bool{false, true} {
		keys, fetchErr := p.Keys(ctx, refetch)
		if fetchErr != nil {
			return fetchErr
		}
		if _, err = signed.Verify(keys, ask.Algs, ask.ClientSecret); !jose.OtherKeys(err) {
			break
		}
	}
	return err
}

func inside(f *fault.Error, text []byte) (map[string]json.RawMessage, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		f.Err = fmt.Errorf("what is inside is no JSON object: %w", err)
		return nil, f
	}
	return members, nil
}

// forUs compares iss and aud, which a signed answer should have (OIDC Core
// 5.3.2): one that was made for somebody else must not serve here.
func (ask Asking) forUs(f *fault.Error, issuer string, members map[string]json.RawMessage) error {
	f.ID, f.Hint = "userinfo.audience", "do not use these claims: they may belong to somebody else"
	var iss string
	if raw, there := members["iss"]; there && (!strictjson.Read(raw, &iss) || iss != issuer) {
		f.Err = fmt.Errorf("\"iss\" is %.200s, not the provider", raw)
		return f
	}
	raw, there := members["aud"]
	if !there {
		return nil
	}
	var one string
	var several []string
	if strictjson.Read(raw, &one) {
		several = []string{one}
	} else if !strictjson.Read(raw, &several) || len(several) == 0 {
		several = nil
	}
	if !slices.Contains(several, ask.ClientID) {
		f.Err = fmt.Errorf("\"aud\" is %.200s, without this client", raw)
		return f
	}
	return nil
}

// reword says what was being done; what went wrong is jose's to say. Errors of
// fetching and of the client's own keys stay as they are.
func reword(f *fault.Error, err error) error {
	inner, ok := errors.AsType[*fault.Error](err)
	if !ok || inner.Kind != fault.Protocol || inner.ID == "provider.keys" {
		return err
	}
	out := *inner
	out.Op = f.Op
	if out.Hint == "" {
		out.Hint = f.Hint
	}
	return &out
}
