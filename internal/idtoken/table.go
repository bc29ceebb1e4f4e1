package idtoken

// A Rule is one thing that an ID token must satisfy.
type Rule struct {
	Name   string // lower-kebab; the error's ID is "idtoken." and this, of a response "jarm." and what follows "jarm-"
	Spec   string // the section that demands it
	Demand string // what is demanded, in words, for the docs

	hint  string
	needs need
	check func(*ladder) finding
}

// A need is what must have worked before a rule can be looked at; each one
// includes those before it, and the last two exclude each other.
type need int

const (
	needsNothing need = iota
	needsToken
	needsClaims
	needsPrior
	needsFront
)

const (
	hintClient = "compare the client id with the registration at the provider"
	hintClock  = "check this computer's clock, then sign in again"
	hintReplay = "do not use this provider until this is explained"
	hintBug    = "report this to the people who run the provider"
)

// Rules is the table of everything that [Verify] checks, in order.
func Rules() []Rule {
	return []Rule{
		{"encryption", "OIDC Core 3.1.3.7 (1)", "it is encrypted as registered, and not at all where that is not registered", "", needsNothing, checkEncryption},
		{"form", "RFC 7515 7.1", "three parts of base64url, a readable header, at most 1 MiB", hintBug, needsNothing, checkForm},
		{"typ", "RFC 8725 3.11", "its typ is not that of another kind of token", hintBug, needsToken, checkTyp},
		{"crit", "RFC 7515 4.1.11", "its header has no crit and no b64", hintBug, needsToken, checkCrit},
		{"algorithm", "OIDC Core 3.1.3.7 (7)", "its alg is the registered one, never none", "", needsToken, checkAlgorithm},
		{"key", "OIDC Core 10.1", "one of the issuer's keys fits, by kid or as the only one", "", needsToken, checkKey},
		{"signature", "OIDC Core 3.1.3.7 (6)", "that key, or the client secret, made the signature", "", needsToken, checkSignature},
		{"claims", "RFC 7519 7.2", "the payload is one JSON object without repeated names", hintBug, needsToken, checkClaims},
		{"iss", "OIDC Core 3.1.3.7 (2)", "iss is the issuer, byte for byte", hintReplay, needsClaims, checkIss},
		{"sub", "OIDC Core 2", "sub is there: 1 to 255 ASCII characters", hintBug, needsClaims, checkSub},
		{"aud", "OIDC Core 3.1.3.7 (3)", "aud is or contains the client id", hintClient, needsClaims, checkAud},
		{"aud-others", "OIDC Core 3.1.3.7 (3)", "an aud with others comes with azp", hintClient, needsClaims, checkAudOthers},
		{"azp", "OIDC Core 3.1.3.7 (5)", "azp, if there, is the client id", hintClient, needsClaims, checkAzp},
		{"exp", "OIDC Core 3.1.3.7 (9)", "exp is there and not over", hintClock, needsClaims, checkExp},
		{"iat", "OIDC Core 3.1.3.7 (10)", "iat is there, not in the future, and no older than a day where a sign-in asked for the token", hintClock, needsClaims, checkIat},
		{"nbf", "RFC 7519 4.1.5", "nbf, if there, is not in the future", hintClock, needsClaims, checkNbf},
		{"nonce", "OIDC Core 3.1.3.7 (11)", "nonce is the one that was sent", hintReplay, needsClaims, checkNonce},
		{"auth-time", "OIDC Core 3.1.3.7 (13)", "auth_time is within max_age, if that was asked for", "sign in again", needsClaims, checkAuthTime},
		{"at-hash", "OIDC Core 3.1.3.6", "at_hash, if there or from the browser, is of the access token", hintReplay, needsClaims, checkAtHash},
		{"c-hash", "OIDC Core 3.3.2.11", "c_hash, if there or from the browser, is of the code", hintReplay, needsClaims, checkCHash},
		{"s-hash", "FAPI 1.0 Advanced 5.1.1", "s_hash, if there, is of the state", hintReplay, needsClaims, checkSHash},
		{"refresh-iss", "OIDC Core 12.2", "iss is the login's", hintReplay, needsPrior, checkRefreshIss},
		{"refresh-sub", "OIDC Core 12.2", "sub is the login's", hintReplay, needsPrior, checkRefreshSub},
		{"refresh-iat", "OIDC Core 12.2", "iat is not before the login's", hintBug, needsPrior, checkRefreshIat},
		{"refresh-auth-time", "OIDC Core 12.2", "auth_time, if in both, is the login's", hintBug, needsPrior, checkRefreshAuthTime},
		{"refresh-azp", "OIDC Core 12.2", "azp is the login's", hintReplay, needsPrior, checkRefreshAzp},
		{"refresh-nonce", "OIDC Core 12.2", "nonce, if there, is the login's", hintReplay, needsPrior, checkRefreshNonce},
		{"hybrid-iss", "OIDC Core 3.3.3.6", "iss is that of the ID token from the browser", hintReplay, needsFront, checkHybridIss},
		{"hybrid-sub", "OIDC Core 3.3.3.6", "sub is that of the ID token from the browser", hintReplay, needsFront, checkHybridSub},
		{"hybrid-event", "OIDC Core 3.3.3.6", "auth_time, acr and amr, as far as in both, should be those of the ID token from the browser", hintReplay, needsFront, checkHybridEvent},
		{"hybrid-claims", "OIDC Core 3.3.3.6", "claims about the person, as far as in both, should be those of the ID token from the browser", hintReplay, needsFront, checkHybridClaims},
	}
}

// ResponseRules is the table of everything that [VerifyResponse] checks, in
// order. State, which is in the JWT as well, is for whoever sent it.
func ResponseRules() []Rule {
	return []Rule{
		{"jarm-encryption", "JARM 2.4 (1)", "the response JWT is not encrypted unless encryption was registered", "", needsNothing, checkEncryption},
		{"jarm-form", "RFC 7515 7.1", "the response JWT has three parts of base64url and a readable header", hintBug, needsNothing, checkForm},
		{"jarm-typ", "RFC 8725 3.11", "its typ is not that of another kind of token", hintBug, needsToken, checkTyp},
		{"jarm-crit", "RFC 7515 4.1.11", "its header has no crit and no b64", hintBug, needsToken, checkCrit},
		{"jarm-algorithm", "JARM 2.4 (5), 3", "its alg is the registered one, never none", "", needsToken, checkAlgorithm},
		{"jarm-key", "JARM 2.4 (5)", "one of the issuer's keys fits, by kid or as the only one", "", needsToken, checkKey},
		{"jarm-signature", "JARM 2.4 (5)", "that key, or the client secret, made the signature", "", needsToken, checkSignature},
		{"jarm-claims", "RFC 7519 7.2", "the payload is one JSON object without repeated names", hintBug, needsToken, checkClaims},
		{"jarm-iss", "JARM 2.4 (2)", "iss is the issuer that the sign-in was sent to", hintReplay, needsClaims, checkIss},
		{"jarm-aud", "JARM 2.4 (3)", "aud is or contains the client id", hintClient, needsClaims, checkAud},
		{"jarm-exp", "JARM 2.4 (4)", "exp is there and not over", hintClock, needsClaims, checkExp},
		{"jarm-lifetime", "JARM 2.1", "exp is at most 10 minutes from now", hintBug, needsClaims, checkLifetime},
	}
}
