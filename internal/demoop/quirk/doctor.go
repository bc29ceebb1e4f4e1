package quirk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// examined lists what a sign-in does not meet, because it asks for none of it,
// and what "rely doctor" finds all the same.
func examined() []Fault {
	return slices.Concat(oddMetadata(), oddKeys(), oddAnswers(), transportSecurity(), tried(), turns())
}

// turns lists what two looks see.
func turns() []Fault {
	return group("keys", "doctor", 8,
		Fault{Name: "rotation-without-notice", Check: "P47", Help: "a new key signs the moment it is published", Rule: "OIDC Core 10.1.1", IDToken: turned},
		Fault{Name: "old-key-gone", Check: "L36", Help: "old keys leave the set the moment a new one signs", Rule: "OIDC Core 10.1.1", IDToken: turned,
			Keys: func(set []map[string]any) []map[string]any {
				seen := map[any]bool{}
				return slices.DeleteFunc(set, func(k map[string]any) bool {
					old := seen[k["alg"]] && k["use"] == "sig"
					seen[k["alg"]] = true
					return old
				})
			}},
	)
}

func oddMetadata() []Fault {
	const discovery = "OIDC Discovery 3"
	return group("discovery", "doctor", 8,
		Fault{Name: "issuer-query", Check: "P03", At: "login", Exit: 6, Help: "the issuer has a query", Rule: discovery,
			Metadata: func(m map[string]any) { m["issuer"] = fmt.Sprint(m["issuer"], "?tenant=a") }},
		Fault{Name: "member-type", Check: "P06", Help: "a flag in the metadata is a string", Rule: discovery, Metadata: metadata("claims_parameter_supported", "true")},
		Fault{Name: "member-misspelt", Check: "P07", Help: "the metadata has scope_supported, without an s", Rule: discovery, Metadata: func(m map[string]any) {
			m["scope_supported"] = m["scopes_supported"]
			delete(m, "scopes_supported")
		}},
		Fault{Name: "no-code-type", Check: "P08", Help: "the response type code is not offered", Rule: "OIDC Core 15.1", Metadata: metadata("response_types_supported", []string{"id_token"})},
		Fault{Name: "implicit-offered", Check: "P09", Help: "the implicit grant is offered", Rule: "RFC 9700 2.1.2",
			Metadata: metadata("response_types_supported", []string{"code", "id_token token"})},
		Fault{Name: "password-offered", Check: "P10", Help: "the password grant is offered", Rule: "RFC 9700 2.4", Metadata: metadata("grant_types_supported", []string{"authorization_code", "refresh_token", "password"})},
		Fault{Name: "no-pkce", Check: "P11", Help: "the metadata says nothing of PKCE", Rule: "RFC 9700 2.1.1", Metadata: lacks("code_challenge_methods_supported")},
		Fault{Name: "pkce-plain-offered", Check: "P12", Help: "PKCE is offered with plain", Rule: "RFC 9700 2.1.1", Metadata: metadata("code_challenge_methods_supported", []string{"S256", "plain"})},
		Fault{Name: "no-rs256", Check: "P13", Help: "RS256 is not offered", Rule: "OIDC Core 15.1", Metadata: metadata("id_token_signing_alg_values_supported", []string{"ES256"})},
		Fault{Name: "none-offered", Check: "P14", Help: "none is offered for request objects", Rule: "RFC 8725 3.2", Metadata: metadata("request_object_signing_alg_values_supported", []string{"ES256", "none"})},
		Fault{Name: "rsa15-offered", Check: "P15", Help: "RSA1_5 is offered", Rule: "RFC 8725 3.2", Metadata: metadata("id_token_encryption_alg_values_supported", []string{"RSA-OAEP-256", "RSA1_5"})},
		Fault{Name: "subject-type-odd", Check: "P16", Help: "the subject type is one that nobody knows", Rule: "OIDC Core 8", Metadata: metadata("subject_types_supported", []string{"opaque"})},
		Fault{Name: "no-openid-scope", Check: "P17", Help: "the scopes lack openid", Rule: discovery, Metadata: metadata("scopes_supported", []string{"profile", "email"})},
		Fault{Name: "iss-unadvertised", Check: "P18", Help: "iss in responses is not promised", Rule: "RFC 9207 3", Metadata: lacks("authorization_response_iss_parameter_supported")},
		Fault{Name: "no-client-auth", Check: "P19", Help: "the metadata says nothing of client authentication", Rule: discovery, Metadata: lacks("token_endpoint_auth_methods_supported")},
		Fault{Name: "request-uri-default", Check: "P20", Help: "request_uri is taken, by default", Rule: "OIDC Core 6.2", Metadata: lacks("request_uri_parameter_supported")},
		Fault{Name: "no-registration", Check: "P21", Help: "clients cannot be registered over the network", Rule: "OIDC Registration 3", Metadata: lacks("registration_endpoint")},
		Fault{Name: "par-nowhere", Check: "P22", Help: "pushed requests are demanded, and there is no place for them", Rule: "RFC 9126 5", Metadata: func(m map[string]any) {
			m["require_pushed_authorization_requests"] = true
			delete(m, "pushed_authorization_request_endpoint")
		}},
		Fault{Name: "no-claims-list", Check: "P23", Help: "the metadata lists no claims", Rule: discovery, Metadata: lacks("claims_supported")},
		Fault{Name: "no-grant-types", Check: "P24", Help: "the metadata lists no grant types", Rule: discovery, Metadata: lacks("grant_types_supported")},
		Fault{Name: "no-revocation", Check: "P25", Help: "tokens cannot be revoked", Rule: "RFC 7009", Metadata: lacks("revocation_endpoint")},
		Fault{Name: "dpop-hmac", Check: "P28", Help: "DPoP is offered with a shared secret", Rule: "RFC 9449 5.1", Metadata: metadata("dpop_signing_alg_values_supported", []string{"ES256", "HS256"})},
		Fault{Name: "locale-underscore", Check: "P29", Help: "a locale is written en_GB", Rule: "BCP 47", Metadata: metadata("ui_locales_supported", []string{"en_GB"})},
		Fault{Name: "logout-half", Check: "P30", Help: "sessions in back-channel logout are promised, and the logout itself is not", Rule: "OIDC Back-Channel Logout 2.1", Metadata: func(m map[string]any) {
			m["backchannel_logout_session_supported"] = true
			delete(m, "backchannel_logout_supported")
		}},
		Fault{Name: "userinfo-elsewhere", Check: "P31", Help: "the UserInfo endpoint is on another domain", Rule: "RFC 9700 4.4", Metadata: metadata("userinfo_endpoint", "https://users.elsewhere.example/userinfo")},
	)
}

func oddKeys() []Fault {
	return group("keys", "doctor", 8,
		Fault{Name: "keys-without-kid", Check: "P42", Help: "the keys have no kid", Rule: "RFC 7517 4.5", Keys: func(all []map[string]any) []map[string]any {
			return each(func(k map[string]any) { delete(k, "kid") })(append(all, maps.Clone(all[0])))
		}},
		Fault{Name: "keys-twice", Check: "P45", Help: "a key is published twice, under two names", Rule: "RFC 7517 5", Keys: func(all []map[string]any) []map[string]any {
			again := maps.Clone(all[0])
			again["kid"] = "the-same-again"
			return append(all, again)
		}},
		Fault{Name: "x5c-other-key", Check: "P46", Help: "the certificate of a key is for another key", Rule: "RFC 7517 4.7", Keys: foreignCertificate},
	)
}

func oddAnswers() []Fault {
	return group("transport", "doctor", 8,
		Fault{Name: "oauth-metadata-differs", Check: "P26", Help: "the metadata at the place of RFC 8414 has another token endpoint", Rule: "RFC 8414 3", On: Discovery, Serve: func(x *Exchange) {
			if strings.Contains(x.R.URL.Path, "oauth-authorization-server") {
				bent(func(s string) string { return strings.Replace(s, `/token"`, `/oauth/token"`, 1) })(x)
				return
			}
			x.Good.ServeHTTP(x.W, x.R)
		}},
		Fault{Name: "discovery-no-store", Check: "P27", Help: "nobody may cache the metadata", Rule: "OIDC Core 10.1.1", On: Discovery, Serve: headed("Cache-Control", func() string { return "no-store" })},
		Fault{Name: "discovery-no-cors", Check: "P32", Help: "no page in a browser may read the metadata", Rule: "OIDC Discovery 4", On: Discovery, Serve: headed("Access-Control-Allow-Origin", nil)},
		Fault{Name: "clock-behind", Check: "P70", Help: "the provider's clock is far behind", Rule: "RFC 9110 6.6.1", On: Discovery,
			Serve: headed("Date", func() string { return "Mon, 06 Jan 2025 09:00:00 GMT" })},
		Fault{Name: "discovery-late", Check: "P71", Help: "the metadata takes a second and a half", Rule: "RFC 9110 15.5.9", On: Discovery, Serve: late},
	)
}

// transportSecurity lists what shows below or around HTTP.
func transportSecurity() []Fault {
	return group("tls", "doctor", 8,
		Fault{Name: "tls-old", Check: "P60", Help: "TLS 1.0 and 1.1 are spoken", Rule: "RFC 8996 2", TLS: func(c *tls.Config) error {
			c.MinVersion = tls.VersionTLS10
			c.CipherSuites = append(c.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA) // the newer ones need TLS 1.2
			return nil
		}},
		Fault{Name: "tls-no-13", Check: "P61", Help: "TLS 1.3 is not spoken", Rule: "RFC 9325 3.1.1", TLS: func(c *tls.Config) error { c.MaxVersion = tls.VersionTLS12; return nil }},
		Fault{Name: "tls-self-signed", Check: "P62", At: "login", Exit: 7, Help: "the certificate is signed by nobody", Rule: "RFC 9525 6", TLS: selfSigned},
		Fault{Name: "tls-cbc", Check: "P63", Help: "a CBC suite is spoken", Rule: "RFC 9325 4.2", TLS: func(c *tls.Config) error {
			c.CipherSuites = append(c.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)
			return nil
		}},
		Fault{Name: "no-hsts", Check: "P65", Help: "nothing says that the host is https for good", Rule: "RFC 6797 7.2", Front: func(h http.Header) { h.Del("Strict-Transport-Security") }},
		Fault{Name: "plain-http", Check: "P66", Help: "everything is answered over http as well", Rule: "RFC 9700 2.6", Plain: true},
	)
}

// headed sends the good answer with another value of a header; nil takes it
// away.
func headed(name string, value func() string) func(*Exchange) {
	return func(x *Exchange) {
		r := &recorded{header: http.Header{}, code: http.StatusOK}
		x.Good.ServeHTTP(r, x.R)
		maps.Copy(x.W.Header(), r.header)
		x.W.Header().Del(name)
		if value != nil {
			x.W.Header().Set(name, value())
		}
		x.W.WriteHeader(r.code)
		_, _ = x.W.Write(r.Bytes())
	}
}

// late answers well, after longer than anybody likes to wait.
func late(x *Exchange) {
	var tick <-chan time.Time
	if x.Tick != nil {
		tick = x.Tick(1500 * time.Millisecond)
	}
	select {
	case <-tick:
		x.Good.ServeHTTP(x.W, x.R)
	case <-x.R.Context().Done():
	case <-x.Stop:
	}
}

// certificate is one that nobody else signed, for host.
func certificate(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(4000000000, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func selfSigned(c *tls.Config) error {
	own, err := certificate("op.example")
	c.Certificates = []tls.Certificate{own}
	return err
}

func foreignCertificate(all []map[string]any) []map[string]any {
	if other, err := certificate("signing.op.example"); err == nil {
		all[0]["x5c"] = []string{base64.StdEncoding.EncodeToString(other.Certificate[0])}
	}
	return all
}
