package clientauth

import "rely/internal/jose"

// newPrivateKeyJWT signs with a key of the client's own (OIDC Core 9).
func newPrivateKeyJWT(c Credentials) (Method, error) {
	keys, err := jose.ParsePrivate(c.KeysName, c.Keys)
	if err != nil {
		return nil, err
	}
	return signed("private_key_jwt", c, keys)
}
