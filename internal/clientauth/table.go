package clientauth

// All is the table of client authentication methods, in the order in which
// they are preferred when the provider lists several.
func All() []Entry {
	return []Entry{
		{Name: "private_key_jwt", Help: "assertion signed with a key of the client's own (OIDC Core 9, RFC 7523)", NeedsKey: true, New: newPrivateKeyJWT},
		{Name: "client_secret_basic", Help: "secret in the Authorization header (RFC 6749 2.3.1)", NeedsSecret: true, New: newBasic},
		{Name: "client_secret_post", Help: "secret in the request body (RFC 6749 2.3.1)", NeedsSecret: true, New: newPost},
		{Name: "client_secret_jwt", Help: "assertion signed with the secret (OIDC Core 9, RFC 7523)", NeedsSecret: true, New: newSecretJWT},
		{Name: "tls_client_auth", Help: "certificate of a known authority, in TLS (RFC 8705 2.1)", NeedsCert: true, New: newTLS},
		{Name: "self_signed_tls_client_auth", Help: "certificate of the client's own making, in TLS (RFC 8705 2.2)", NeedsCert: true, New: newTLS},
		{Name: "none", Help: "a public client, which PKCE protects (RFC 7636)", New: newNone},
	}
}
