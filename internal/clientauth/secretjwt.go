package clientauth

import "rely/internal/jose"

// newSecretJWT signs with the client's secret (OIDC Core 9).
func newSecretJWT(c Credentials) (Method, error) {
	return signed("client_secret_jwt", c, []jose.Private{jose.SecretKey(c.Secret)})
}
