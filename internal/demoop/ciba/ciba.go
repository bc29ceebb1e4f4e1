// Package ciba is what the embedded provider asks of a backchannel
// authentication request (OpenID CIBA Core 1.0), and what it sends when the
// person has decided. It posts nothing itself and issues no tokens.
package ciba

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop/assertion"
	"rely/internal/demoop/device"
	"rely/internal/secret"
)

// The ways in which a client learns of the end.
const (
	poll = "poll"
	Ping = "ping"
)

// signed is the metadata that says how requests are signed.
const signed = "backchannel_authentication_request_signing_alg"

// Metadata adds to the discovery document what this package takes (CIBA 4).
func Metadata(m map[string]any) {
	m["backchannel_token_delivery_modes_supported"] = []string{poll, Ping}
	m[signed+"_values_supported"] = algs()
	m["backchannel_user_code_parameter_supported"] = false
}

// algs are the asymmetric ones (CIBA 7.1.1).
func algs() []string { return assertion.Algs("private_key_jwt") }

// A Client is what is registered of the one who asks.
type Client struct {
	ID, Mode, Endpoint, Alg string
	Keys                    json.RawMessage
}

// Unfit says what of it cannot be registered, or nothing. asks says that the
// client has the grant type at all.
func (c Client) Unfit(asks bool) string {
	u, err := url.Parse(c.Endpoint)
	switch {
	case c.Mode == "" && asks:
		return "backchannel_token_delivery_mode is missing (CIBA 4)"
	case c.Mode != "" && !asks:
		return "backchannel_token_delivery_mode is for clients with the CIBA grant"
	case c.Mode != "" && c.Mode != poll && c.Mode != Ping:
		return "backchannel_token_delivery_mode must be poll or ping"
	case c.Mode == Ping && (err != nil || u.Scheme != "https" || u.Host == ""):
		return "backchannel_client_notification_endpoint must be https"
	case c.Alg != "" && !slices.Contains(algs(), c.Alg):
		return signed + " must be an asymmetric algorithm that this provider lists"
	}
	return ""
}

// Read gives the request that a form means: the one that is signed in it, or
// itself (CIBA 7.1, 7.1.1). It returns an error code of CIBA 13 and a sentence.
func (c Client) Read(f url.Values, issuer string, now time.Time) (meant url.Values, id, why string) {
	meant = f
	switch {
	case f.Has("request"):
		if meant, why = c.open(f, issuer, now); why != "" {
			return nil, "invalid_request", why
		}
	case c.Alg != "":
		return nil, "invalid_request", "this client has to sign its requests"
	}
	hints := 0
	for _, name := range []string{"login_hint", "id_token_hint", "login_hint_token"} {
		if meant.Get(name) != "" {
			hints++
		}
	}
	token := meant.Get("client_notification_token")
	switch {
	case hints != 1:
		return nil, "invalid_request", "exactly one hint has to say who is asked"
	case !slices.Contains(strings.Fields(meant.Get("scope")), "openid"):
		return nil, "invalid_scope", "scope has to hold openid"
	case len(meant.Get("binding_message")) > 100:
		return nil, "invalid_binding_message", "binding_message is longer than a small screen takes"
	case c.Mode == Ping && (len(token) < 22 || len(token) > 1024 || strings.ContainsFunc(token, odd)):
		return nil, "invalid_request", "client_notification_token is missing, shorter than 128 bits, or no bearer token"
	}
	return meant, "", ""
}

// odd are the characters that no bearer token has (RFC 6750 2.1).
func odd(r rune) bool {
	return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=", r)
}

// open reads a signed request. Nothing of it may stand beside it.
func (c Client) open(f url.Values, issuer string, now time.Time) (url.Values, string) {
	for name := range f {
		if !slices.Contains([]string{"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"}, name) {
			return nil, name + " stands beside the signed request"
		}
	}
	payload, _, err := assertion.Signed(f.Get("request"), c.Alg, secret.String{}, c.Keys)
	if err != nil {
		return nil, "the request " + err.Error()
	}
	var all map[string]json.RawMessage
	var is struct {
		Iss, Aud, Jti string
		Exp, Nbf, Iat float64
	}
	if json.Unmarshal(payload, &all) != nil || json.Unmarshal(payload, &is) != nil {
		return nil, "the request's claims cannot be read"
	}
	switch at := float64(now.Unix()); {
	case is.Iss != c.ID:
		return nil, "the request's iss must be the client's"
	case is.Aud != issuer:
		return nil, "the request's aud must be the issuer"
	case is.Jti == "" || is.Iat == 0 || is.Nbf == 0:
		return nil, "the request has no jti, iat or nbf"
	case is.Exp <= at || is.Exp > at+3600 || is.Nbf > at+5:
		return nil, "the request has expired, is not good yet, or expires more than an hour away"
	}
	meant := url.Values{}
	for name, raw := range all {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		meant.Set(name, text)
	}
	return meant, ""
}

// Decide is the person: quick, and of the mind that the message puts into
// theirs. "wait" leaves them undecided.
func Decide[G any](w *device.Waiting[G], grant func() G) {
	switch w.Message {
	case "wait":
	case "deny":
		w.Deny()
	case "expire":
		w.Refuse("expired_token", "the request is too old")
	case "fail":
		w.Refuse("transaction_failed", "the person's device could not be reached")
	default:
		w.Allow(grant())
	}
}

// A Notice is a ping that is about to be sent (CIBA 10.2).
type Notice struct {
	URI, Token string
	Body       map[string]any
	Early      bool // before the person has decided
	Never      bool
	Twice      bool
}

// Word makes the notice of a request.
func Word(uri, token, id string) *Notice {
	return &Notice{URI: uri, Token: token, Body: map[string]any{"auth_req_id": id}}
}

// Send posts the notice as often as it shall be.
func (n *Notice) Send(post func(uri, bearer string, body []byte) string) (came string) {
	body, err := json.Marshal(n.Body)
	if err != nil || n.Never || post == nil {
		return "not sent"
	}
	came = post(n.URI, n.Token, body)
	if n.Twice {
		came += " " + post(n.URI, n.Token, body)
	}
	return came
}
