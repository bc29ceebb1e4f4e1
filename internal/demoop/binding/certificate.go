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

// Unproven says why the connection does not show the client's certificate; empty
// where it does. There is no authority here that would vouch for a subject: this
// provider answers its own machine alone, and takes the word of any authority,
// but not a certificate's own.
func (h Holder) Unproven(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "the client is registered for a certificate, and shows none"
	}
	is := r.TLS.PeerCertificates[0]
	right := is.Subject.String() == h.SubjectDN
	switch {
	case h.Method == "self_signed_tls_client_auth":
		right = slices.ContainsFunc(h.chains(), func(der []byte) bool { return bytes.Equal(der, is.Raw) })
	case is.CheckSignature(is.SignatureAlgorithm, is.RawTBSCertificate, is.Signature) == nil:
		return "nobody but itself vouches for the certificate"
	case h.SANDNS != "":
		right = slices.Contains(is.DNSNames, h.SANDNS)
	}
	if !right {
		return "the certificate is not the one that the client registered"
	}
	return ""
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
