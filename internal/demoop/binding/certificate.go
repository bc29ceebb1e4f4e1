package binding

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
)

// Methods are the client authentication methods of RFC 8705.
func Methods() []string { return []string{"tls_client_auth", "self_signed_tls_client_auth"} }

// Aliases are the paths that exist below /mtls as well (RFC 8705 5).
func Aliases() map[string]string {
	return map[string]string{"token_endpoint": "/token", "userinfo_endpoint": "/userinfo", "introspection_endpoint": "/introspect",
		"revocation_endpoint": "/revoke", "device_authorization_endpoint": "/device_authorization",
		"pushed_authorization_request_endpoint": "/par", "backchannel_authentication_endpoint": "/backchannel"}
}

// A Holder is what a client registered of its certificate.
type Holder struct {
	Method    string
	SubjectDN string          // tls_client_auth_subject_dn
	SANDNS    string          // tls_client_auth_san_dns
	Keys      json.RawMessage // jwks with x5c, for one of the client's own making
}

// Unfit says what is missing; empty where nothing is.
func (h Holder) Unfit() string {
	switch {
	case h.Method == "tls_client_auth" && (h.SubjectDN == "") == (h.SANDNS == ""):
		return "tls_client_auth needs exactly one of tls_client_auth_subject_dn and tls_client_auth_san_dns"
	case h.Method == "self_signed_tls_client_auth" && len(h.chains()) == 0:
		return "self_signed_tls_client_auth needs jwks with x5c"
	}
	return ""
}

// Shown reports whether the connection shows the client's certificate. There is
// no authority here that would vouch for the subject: this provider answers its
// own machine alone, and takes a subject's word.
func (h Holder) Shown(r *http.Request) bool {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	is := r.TLS.PeerCertificates[0]
	switch {
	case h.Method == "self_signed_tls_client_auth":
		return slices.ContainsFunc(h.chains(), func(der []byte) bool { return bytes.Equal(der, is.Raw) })
	case h.Method != "tls_client_auth":
		return false
	case h.SANDNS != "":
		return slices.Contains(is.DNSNames, h.SANDNS)
	}
	return is.Subject.String() == h.SubjectDN
}

func (h Holder) chains() [][]byte {
	var set struct {
		Keys []struct {
			X5c []string `json:"x5c"`
		} `json:"keys"`
	}
	_ = json.Unmarshal(h.Keys, &set) // without keys there are none
	var out [][]byte
	for _, k := range set.Keys {
		if len(k.X5c) > 0 {
			if der, err := base64.StdEncoding.DecodeString(k.X5c[0]); err == nil {
				out = append(out, der)
			}
		}
	}
	return out
}
