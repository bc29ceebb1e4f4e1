package cause

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

const local = "https://127.0.0.1:8910/callback"

// The words of providers are as they send them.
func TestFindKnowsWhatProvidersSay(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		is               Case
		name, says, hint string
	}{
		"Entra: redirect": {Case{ID: "useragent.page", Redirect: local, Text: "AADSTS50011: The redirect URI 'https://127.0.0.1:8910/callback' specified in the request does not match the redirect URIs configured for the application"},
			"redirect-uri", local, "Mobile and desktop"},
		"Entra: secret ID in place of the value": {Case{ID: "token.invalid_client", Method: "client_secret_post", Text: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID"},
			"secret", "did not believe", "not its Secret ID"},
		"Entra: secret over": {Case{ID: "token.invalid_client", Text: "AADSTS7000222: The provided client secret keys for app '5c' are expired."}, "secret-expired", "has expired", "New client secret"},
		"Entra: unknown app": {Case{ID: "token.unauthorized_client", ClientID: "5c", Issuer: "https://login.microsoftonline.com/t/v2.0", Text: "AADSTS700016: Application with identifier '5c' was not found in the directory 'Contoso'."},
			"client-unknown", "no client 5c", "not the object ID"},
		"Entra: needs a secret": {Case{ID: "token.invalid_client", Text: "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}, "client-kind", "another kind", "Allow public client flows"},
		"Entra: single page":    {Case{ID: "token.invalid_request", Text: "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests."}, "client-kind", "another kind", "Single-page"},
		"Entra: consent":        {Case{ID: "login.access_denied", Text: "AADSTS65001: The user or administrator has not consented to use the application with ID '5c'"}, "consent", "nobody agreed", "Grant admin consent"},
		"Entra: tenant":         {Case{ID: "token.invalid_request", Issuer: "https://login.microsoftonline.com/contso/v2.0", Text: "AADSTS90002: Tenant 'contso' not found."}, "tenant", "/contso/v2.0", "GUID"},
		"Entra: assertion":      {Case{ID: "token.invalid_client", Method: "private_key_jwt", Text: "AADSTS700024: Client assertion is not within its valid time range.", Seen: Seen{Dated: true, Clock: -10 * time.Minute}}, "clock", "10m0s ahead", "Microsoft's clock"},
		"Entra: not assigned":   {Case{ID: "login.access_denied", Text: "AADSTS50105: The signed in user is not assigned to a role for the application"}, "not-assigned", "may not use", "Users and groups"},
		"Entra: code again":     {Case{ID: "token.invalid_grant", Text: "AADSTS54005: OAuth2 Authorization code was already redeemed"}, "code", "used before", "ten minutes"},
		"Entra: idle session":   {Case{ID: "session.ended", Vendor: "entra", Text: "AADSTS700082: The refresh token has expired due to inactivity."}, "session-ended", "has ended", "90 days"},
		"Entra: new password":   {Case{ID: "session.ended", Text: "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed."}, "session-ended", "has ended", "password was changed"},
		"Keycloak: idle":        {Case{ID: "session.ended", Vendor: "keycloak", Text: "the provider answered invalid_grant: Session not active"}, "session-ended", "has ended", "SSO Session Idle"},
		"Keycloak: reuse":       {Case{ID: "session.ended", Vendor: "keycloak", Text: "the provider answered invalid_grant: Maximum allowed refresh token reuse exceeded"}, "refresh-reused", "another copy", "Revoke Refresh Token"},
		"Auth0: session":        {Case{ID: "session.ended", Vendor: "auth0", Text: "Unknown or invalid refresh token."}, "session-ended", "has ended", "idle lifetime"},
		"Google: session":       {Case{ID: "session.ended", Vendor: "google", Text: "Token has been expired or revoked."}, "session-ended", "has ended", "seven days"},
		"no words: session":     {Case{ID: "session.ended", Text: "the provider answered invalid_grant"}, "session-ended", "has ended", ""},
		"no words: redirect":    {Case{ID: "registration.check-redirect", Redirect: local, ClientID: "c", Text: "the provider does not know the client id with this redirect URI: it answered 400 and an error page"}, "redirect-uri", local, ""},
		"no words: secret":      {Case{ID: "registration.check-secret", Text: "the provider does not take the client's proof: it answered 401 invalid_client"}, "secret", "did not believe", ""},
		"Entra: scope":          {Case{ID: "login.invalid_scope", Text: "AADSTS70011: The provided request must include a 'scope' input parameter."}, "scope", "scopes", "API permissions"},
		"Entra: conditional":    {Case{ID: "login.access_denied", Text: "AADSTS53003: Access has been blocked by Conditional Access policies."}, "policy", "a rule", "Sign-in logs"},
		"Keycloak: redirect":    {Case{ID: "useragent.page", Vendor: "keycloak", Redirect: local, Text: "Invalid parameter: redirect_uri"}, "redirect-uri", local, "Valid redirect URIs"},
		"Keycloak: at the token": {Case{ID: "token.invalid_grant", Vendor: "keycloak", Redirect: local, Text: "the provider answered invalid_grant: Incorrect redirect_uri"},
			"redirect-uri", local, "Valid redirect URIs"},
		"Keycloak: secret":         {Case{ID: "token.unauthorized_client", Vendor: "keycloak", Method: "client_secret_basic", Text: "Invalid client or Invalid client credentials"}, "secret", "did not believe", "Credentials"},
		"Keycloak: unknown client": {Case{ID: "useragent.page", Vendor: "keycloak", ClientID: "tol", Text: "We are sorry... Client not found."}, "client-unknown", "no client tol", "UUID"},
		"Keycloak: realm":          {Case{ID: "provider.no-metadata", Issuer: "https://kc.example/realms/wrok", Text: "Realm does not exist"}, "tenant", "/realms/wrok", "/auth/realms"},
		"Keycloak: flow":           {Case{ID: "login.unauthorized_client", Text: "Client is not allowed to initiate browser login with given response_type. Standard flow is disabled for the client."}, "grant", "not allowed", "Standard flow"},
		"Keycloak: scopes":         {Case{ID: "login.invalid_scope", Scope: "openid x", Text: "Invalid scopes: openid x"}, "scope", "openid x", "Client scopes"},
		"Keycloak: code":           {Case{ID: "token.invalid_grant", Text: "Code not valid"}, "code", "used before", ""},
		"Okta: redirect":           {Case{ID: "useragent.page", Text: "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings"}, "redirect-uri", "not one that is registered", "Sign-in redirect URIs"},
		"Okta: client id":          {Case{ID: "useragent.page", Vendor: "okta", ClientID: "0oa", Text: "Invalid value for 'client_id' parameter."}, "client-unknown", "0oa", ""},
		"Okta: secret":             {Case{ID: "token.invalid_client", Vendor: "okta", Method: "client_secret_basic", Text: "Client authentication failed. Either the client or the client credentials are invalid."}, "secret", "did not believe", "Client Credentials"},
		"Okta: policy":             {Case{ID: "login.access_denied", Text: "Policy evaluation failed for this request, please check the policy configurations."}, "policy", "a rule", "Access Policies"},
		"Okta: scopes":             {Case{ID: "login.invalid_scope", Text: "One or more scopes are not configured for the authorization server resource."}, "scope", "scopes", "Security, API, Scopes"},
		"Okta: not assigned":       {Case{ID: "login.access_denied", Vendor: "okta", Text: "User is not assigned to the client application."}, "not-assigned", "may not use", "Assignments"},
		"Auth0: callback":          {Case{ID: "useragent.page", Redirect: local, Text: "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."}, "redirect-uri", local, "Allowed Callback URLs"},
		"Auth0: unknown client":    {Case{ID: "useragent.page", Vendor: "auth0", ClientID: "x", Text: "Unknown client: x"}, "client-unknown", "no client x", ""},
		"Auth0: grant":             {Case{ID: "token.unauthorized_client", Vendor: "auth0", Text: "Grant type 'authorization_code' not allowed for the client."}, "grant", "not allowed", "Grant Types"},
		"Google: redirect":         {Case{ID: "useragent.page", Vendor: "google", Redirect: local, Text: "Error 400: redirect_uri_mismatch"}, "redirect-uri", local, "Desktop"},
		"Google: client":           {Case{ID: "useragent.page", Text: "Error 401: invalid_client The OAuth client was not found."}, "client-unknown", "no client", "apps.googleusercontent.com"},
		"Google: admin":            {Case{ID: "useragent.page", Text: "Error 400: admin_policy_enforced"}, "consent", "nobody agreed", "Admin console"},
		"Google: scope":            {Case{ID: "login.invalid_scope", Vendor: "google", Text: "Some requested scopes were invalid. {valid=[openid], invalid=[offline_access]}"}, "scope", "scopes", "access_type=offline"},
		"Google: code":             {Case{ID: "token.invalid_grant", Text: "Malformed auth code."}, "code", "used before", ""},
		"Cognito: redirect":        {Case{ID: "useragent.page", Vendor: "cognito", Redirect: local, Text: "An error was encountered with the requested page. redirect_mismatch"}, "redirect-uri", local, "http://localhost"},
		"PingOne: method":          {Case{ID: "token.invalid_client", Vendor: "pingone", Method: "client_secret_post", Methods: []string{"client_secret_basic", "client_secret_post"}, Text: "Request denied: Unsupported authentication method (Correlation ID: 4f)"}, "client-method", "client_secret_post", "Token Auth Method"},
		"PingOne: redirect":        {Case{ID: "useragent.page", Vendor: "pingone", Redirect: local, Text: "Redirect URI mismatch"}, "redirect-uri", local, "PingOne"},
		"Dex: redirect":            {Case{ID: "useragent.page", Redirect: local, Text: "dex: Bad Request Unregistered redirect_uri."}, "redirect-uri", local, "on loopback"},
		"Dex: password":            {Case{ID: "token.access_denied", Vendor: "dex", Text: "the provider answered access_denied: Invalid username or password"}, "password", "password is wrong", "e-mail"},
		"Dex: scope":               {Case{ID: "token.invalid_request", Text: "Missing required scope(s) [\"openid\"]."}, "scope", "scopes", "every request"},
		"Dex: second sign-in":      {Case{ID: "token.invalid_request", Vendor: "dex", Text: "Refresh token is invalid or has already been claimed by another client."}, "session-ended", "has ended", "one refresh token"},
		"LemonLDAP::NG: redirect":  {Case{ID: "useragent.page", Vendor: "lemonldap", Redirect: local, Text: "invalid redirect_uri"}, "redirect-uri", local, "Allowed redirection"},
		"Gluu: redirect":           {Case{ID: "useragent.page", Redirect: local, Text: "The redirect_uri in the Authorization Request does not match any of the Client's pre-registered redirect_uris."}, "redirect-uri", local, "Redirect Login URIs"},
		"Janssen: redirect":        {Case{ID: "useragent.page", Redirect: local, Text: `{"error":"invalid_request_redirect_uri"}`}, "redirect-uri", local, "redirectUris"},
		"a proxy's login":          {Case{ID: "wire.unreachable", Text: "op.example was not reached: Proxy Authentication Required"}, "proxy-login", "407", ""},
	} {
		f := Find(&c.is)
		switch {
		case f == nil:
			t.Errorf("%s: got nothing, want %s", what, c.name)
		case f.Name != c.name:
			t.Errorf("%s: got %s (%s), want %s", what, f.Name, f.Likely, c.name)
		case !strings.Contains(f.Likely, c.says):
			t.Errorf("%s: got %q, want %q in it", what, f.Likely, c.says)
		case !strings.Contains(f.Hint, c.hint) || c.hint == "" && c.is.Vendor == "" && f.Hint != "":
			t.Errorf("%s: got the hint %q, want %q in it", what, f.Hint, c.hint)
		}
	}
}

// A code says what it says as a whole: Microsoft has more than one that begins
// with another.
func TestFindReadsCodesWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"AADSTS50011: The redirect URI specified in the request does not match":         "redirect-uri",
		"AADSTS500113: No reply address is registered for the application.":             "redirect-uri",
		"AADSTS500119: something else":                                                  "",
		"AADSTS5001: something else":                                                    "",
		"AADSTS50020: User account from identity provider does not exist in the tenant": "tenant",
		"AADSTS500207: The account type can't be used for the resource.":                "",
		"AADSTS90002: Tenant 'contso' was not found":                                    "tenant",
		"AADSTS900023: Specified tenant identifier 'x' is neither a valid DNS name":     "tenant",
		"AADSTS70008: The provided authorization code has expired due to inactivity.":   "code",
		"AADSTS700084: The refresh token was issued to a single page app (SPA)":         "session-ended",
		"AADSTS700089: something else":                                                  "",
		"(AADSTS7000222)":                                                               "secret-expired",
		"AADSTS70002225: something else":                                                "",
		`{"error":"admin_policy_enforced"}`:                                             "consent",
		"my_admin_policy_enforced_here":                                                 "",
		"error=redirect_uri_mismatch&state=x":                                           "redirect-uri",
		"redirect_uri_mismatches":                                                       "",
		"another_invalid_client_secret":                                                 "",
		"the token_endpoint_auth_method of the client is client_secret_post":            "client-method",
		"token_endpoint_auth_methods_supported is a member of the provider's metadata":  "",
		"admin_policy_enforced_here, and then the same alone: admin_policy_enforced":    "consent",
	} {
		got := ""
		if f := Find(&Case{Text: text}); f != nil {
			got = f.Name
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestFindKnowsWhatHappened(t *testing.T) {
	t.Parallel()
	rung := func(name, expected, actual string) []Check { return []Check{{name, "s", expected, actual}} }
	for what, c := range map[string]struct {
		is                 Case
		name, says, change string
	}{
		"another address than the record's": {Case{ID: "login.unfinished", Redirect: local + "/", Registered: []string{"https://localhost:1/x", local}}, "redirect-uri", `one character more than the registered one: "/"`, "--redirect-uri " + local},
		"an address that the provider lost": {Case{ID: "useragent.page", Redirect: local, Registered: []string{local}, Text: "redirect_uri is not registered"}, "redirect-uri", "any more", "register show"},
		"nobody came":                       {Case{ID: "login.unfinished", Redirect: local, Registered: []string{local}}, "", "", ""},
		"nobody came, no record":            {Case{ID: "login.unfinished", Redirect: local}, "", "", ""},
		"a secret, Basic, odd characters":   {Case{ID: "token.invalid_client", Method: "client_secret_basic", Encoded: true}, "secret", "form-encoded", "client_secret_post"},
		"a secret, plain characters":        {Case{ID: "token.invalid_client", Method: "client_secret_basic", ClientID: "web"}, "secret", "did not believe the client web", "copy the secret"},
		"no secret at all":                  {Case{ID: "token.invalid_client", Method: "none"}, "secret", "no secret or key is given", "--client-secret-file"},
		"a method that is not offered":      {Case{ID: "token.invalid_client", Method: "client_secret_post", Methods: []string{"client_secret_basic"}}, "client-method", "client_secret_post", "client_secret_basic"},
		"a key":                             {Case{ID: "token.invalid_client", Method: "private_key_jwt", Methods: []string{"private_key_jwt"}}, "secret", "another public key", "register update"},
		"a key and a clock":                 {Case{ID: "token.invalid_client", Method: "private_key_jwt", Seen: Seen{Dated: true, Clock: time.Hour}}, "secret", "1h0m0s away", "NTP"},
		"a slash":                           {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example", Metadata: "https://op.example/"}, "issuer", "slash", "https://op.example/"},
		"a letter's case":                   {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example/Work", Metadata: "https://op.example/work"}, "issuer", "upper and lower", "https://op.example/work"},
		"every tenant":                      {Case{ID: "provider.issuer-mismatch", Issuer: "https://login.microsoftonline.com/common/v2.0", Metadata: "https://login.microsoftonline.com/{tenantid}/v2.0"}, "issuer", "every tenant", "own tenant"},
		"a version":                         {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example/t", Metadata: "https://op.example/t/v2.0"}, "issuer", "version 2.0", ""},
		"another realm":                     {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example/realms/a", Metadata: "https://op.example/realms/b"}, "issuer", `"/realms/a" was asked for, "/realms/b"`, ""},
		"http behind a proxy":               {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example/a", Metadata: "http://op.example/a"}, "issuer", "scheme and port", "X-Forwarded"},
		"another name":                      {Case{ID: "provider.issuer-mismatch", Issuer: "https://op.example", Metadata: "https://op.internal"}, "issuer", `"op.internal"`, "do not sign in"},
		"an answer encoded twice":           {Case{ID: "login.response-iss", Failed: rung("response-iss", "https://op.example/a", "https%3A%2F%2Fop.example%2Fa")}, "issuer", "once too often", "another --response-mode"},
		"the token's issuer":                {Case{ID: "idtoken.iss", Failed: rung("iss", "https://op.example", "https://op.example/")}, "issuer", "slash", ""},
		"no realm in it":                    {Case{ID: "provider.no-metadata", Issuer: "https://op.example"}, "tenant", "is missing", ""},
		"a clock ahead":                     {Case{ID: "idtoken.exp", Failed: rung("exp", "later", "now"), Seen: Seen{Dated: true, Clock: -5 * time.Minute}}, "clock", "5m0s ahead", "NTP"},
		"a clock behind":                    {Case{ID: "idtoken.iat", Failed: rung("iat", "", ""), Seen: Seen{Dated: true, Clock: 5 * time.Minute}}, "clock", "5m0s behind", "NTP"},
		"clocks that agree":                 {Case{ID: "idtoken.exp", Failed: rung("exp", "", ""), Seen: Seen{Dated: true}}, "clock", "wrong times", "provider look"},
		"a claim that is not there":         {Case{ID: "idtoken.exp", Failed: rung("exp", "", "missing")}, "", "", ""},
		"a proof, and no Date":              {Case{ID: "token.invalid_dpop_proof"}, "clock", "differ", ""},
		"a page where JSON belongs":         {Case{ID: "wire.json", Seen: Seen{Web: true, Front: "squid/6.1"}}, "proxy-page", `"squid/6.1"`, "HTTPS_PROXY"},
		"JSON that is broken":               {Case{ID: "wire.json"}, "", "", ""},
		"a proxy's authority":               {Case{ID: "wire.certificate", Seen: Seen{Authority: "Zscaler Inc. Zscaler Root CA"}}, "proxy-certificate", "Zscaler Inc.", "--ca-cert"},
		"an authority of one's own":         {Case{ID: "wire.certificate", Seen: Seen{Authority: "Example Corp Root"}}, "", "", ""},
		"a certificate that ran out":        {Case{ID: "wire.certificate", Text: "x509: certificate has expired or is not yet valid: current time"}, "clock-certificate", "clock", ""},
		"another algorithm":                 {Case{ID: "idtoken.algorithm", Failed: rung("algorithm", "ES256", "RS256")}, "algorithm", "(RS256) than this client expects (ES256)", ""},
		"a key that nobody published":       {Case{ID: "idtoken.key", Failed: rung("key", "", "")}, "key-rotated", "changed its keys", ""},
		"another client's token":            {Case{ID: "idtoken.aud", Failed: rung("aud", "a", "b")}, "client-id", "another client", ""},
		"no ID token":                       {Case{ID: "idtoken.missing", Scope: "email"}, "scope", "(email)", "openid"},
		"a replayed nonce":                  {Case{ID: "idtoken.nonce", Failed: rung("nonce", "a", "b")}, "", "", ""},
		"a no":                              {Case{ID: "login.access_denied", Text: "alice said no"}, "", "", ""},
		"the password":                      {Case{ID: "useragent.password-refused"}, "", "", ""},
	} {
		f := Find(&c.is)
		switch {
		case f == nil && c.name == "":
		case f == nil:
			t.Errorf("%s: got nothing, want %s", what, c.name)
		case f.Name != c.name || !strings.Contains(f.Likely, c.says) || !strings.Contains(f.Change, c.change):
			t.Errorf("%s: got %s: %s; %s\nwant %s: %s; %s", what, f.Name, f.Likely, f.Change, c.name, c.says, c.change)
		}
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ got, want, says string }{
		"a slash more":    {local + "/", local, `has one character more than the registered one: "/", character 32 (path)`},
		"a slash less":    {local, local + "/", `lacks one character of the registered one: "/", character 32 (path)`},
		"another port":    {"https://127.0.0.1:8911/callback", local, `differs in one character from the registered one: "1" where "0" is registered, character 22 (port)`},
		"upper case":      {"https://127.0.0.1:8910/Callback", local, `differs in upper and lower case: "C" where "c" is registered, at character 24`},
		"the host's name": {"https://localhost:8910/callback", local, `differs from the registered one in its host: "localhost" was sent, "127.0.0.1" is registered`},
		"http":            {"http://127.0.0.1:8910/callback", local, `lacks one character of the registered one: "s", character 5 (scheme)`},
		"the path":        {"https://127.0.0.1:8910/cb", local, `differs from the registered one in its path: "/cb" was sent, "/callback" is registered`},
		"a query":         {local + "?a=1", local, `differs from the registered one in its query: "a=1" was sent, "" is registered`},
		"a port of none":  {"https://127.0.0.1/callback", local, `differs from the registered one in its port: "" was sent, "8910" is registered`},
		"no URL":          {"x:y", "z", `differs from the registered one in its text: "x:y" was sent, "z" is registered`},
	} {
		if got := Difference(c.got, c.want); got != c.says {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, c.says)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range All() {
		if seen[e.Name] || e.Help == "" || e.Where == "" || e.say == nil || len(e.words)+len(e.ids)+len(e.checks)+len(e.hints) == 0 {
			t.Errorf("%s: is there twice, or says too little", e.Name)
		}
		seen[e.Name] = true
		for _, w := range e.words {
			if w != strings.ToLower(w) {
				t.Errorf("%s: %q is not in lower case, and would never be found", e.Name, w)
			}
		}
		for _, h := range e.Hints() {
			if h.Vendor == "" || h.Text == "" || strings.ToLower(strings.Join(h.Words, "")) != strings.Join(h.Words, "") {
				t.Errorf("%s: the hint %+v", e.Name, h)
			}
		}
	}
}

type answers struct {
	header http.Header
	err    error
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: a.header, Body: http.NoBody}, nil
}

func TestWitness(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	w := &Witness{Now: func() time.Time { return now }}
	see := func(a answers) Seen {
		w.Base = a
		resp, err := w.RoundTrip(&http.Request{})
		if (err == nil) != (a.err == nil) {
			t.Fatalf("the answer was changed: %v", err)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		return w.Seen()
	}
	got := see(answers{header: http.Header{"Date": {"Thu, 01 Jan 2026 12:05:00 GMT"}, "Content-Type": {"text/html; charset=utf-8"}, "Server": {"a"}, "Via": {"1.1 squid"}}})
	if want := (Seen{Clock: 5 * time.Minute, Dated: true, Web: true, Front: "1.1 squid"}); got != want {
		t.Errorf("a page: got %+v, want %+v", got, want)
	}
	got = see(answers{header: http.Header{"Content-Type": {"application/json"}}})
	if want := (Seen{Clock: 5 * time.Minute, Dated: true}); got != want {
		t.Errorf("JSON: got %+v, want %+v", got, want)
	}
	cert := &x509.Certificate{Issuer: pkix.Name{Organization: []string{"Zscaler Inc."}, CommonName: "Zscaler Root CA"}}
	if got = see(answers{err: errors.Join(errors.New("tls"), x509.UnknownAuthorityError{Cert: cert})}); got.Authority != "Zscaler Inc. Zscaler Root CA" {
		t.Errorf("an authority: got %+v", got)
	}
	if got := (*Witness)(nil).Seen(); got != (Seen{}) {
		t.Errorf("no witness: got %+v", got)
	}
}
