package demoop

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/device"
	"rely/internal/demoop/page"
	"rely/internal/demoop/pkce"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/response"
	"rely/internal/demoop/sealing"
	"rely/internal/demoop/wish"
)

// An authz is an authorization request that may be answered at its redirect
// URI.
type authz struct {
	client    *Client
	redirect  string
	state     string
	nonce     string
	scopes    []string
	challenge string // PKCE, S256
	kind      response.Type
	mode      string // settled, see response.Type.Mode
	prompt    []string
	maxAge    *time.Duration
	loginHint string
	hintSub   string // whom the id_token_hint names, or the claims parameter
	wish      wish.Wish
	device    *device.Waiting[*grant] // in the place of all about redirects
}

// authorize is the authorization endpoint (OIDC Core 3.1.2).
func (s *Server) authorize(r *http.Request) reply.Reply {
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		q = r.PostForm
	}
	c := s.clients.Get(q.Get("client_id"))
	if len(q["client_id"]) != 1 || c == nil {
		return wrong("The application did not say who it is, or it is not registered here.", "client_id: "+q.Get("client_id"))
	}
	q, odd, because := s.inbox.Open(c.Sender(), q, s.now())
	fits := c.MayRedirect(q.Get("redirect_uri")) && len(q["redirect_uri"]) == 1
	fits = quirk.Redirect(s.faults, q, c.RedirectURIs, fits)
	switch {
	case odd == "invalid_request_uri":
		return wrong("The application has not sent its request, or too long ago.", odd+": "+because)
	case !fits:
		return wrong("The application asked for the answer at an address that it has not registered. Nothing was sent there.",
			"redirect_uri: "+q.Get("redirect_uri"))
	}
	a := &authz{client: c, redirect: q.Get("redirect_uri"), state: q.Get("state")}
	if odd != "" {
		return s.deny(a, odd, because)
	}
	if id, why := s.read(a, q); id != "" {
		return s.deny(a, id, why)
	}
	// An RSA key takes a while: better now, while a person looks at the page.
	if alg := s.alg(c); alg != "HS256" {
		if _, err := s.ring.For(alg); err != nil {
			return s.deny(a, "server_error", "no key can be made")
		}
	}
	sess, _ := s.session(r)
	return s.proceed(&pending{authz: a}, "", sess)
}

// push takes an authorization request from the client itself (RFC 9126 2).
func (s *Server) push(r *http.Request) reply.Reply {
	c, no := s.authenticate(r)
	if no != nil {
		return no
	}
	q, id, why := s.inbox.Unfold(c.Sender(), r.PostForm, s.now())
	switch {
	case id == "" && q.Get("client_id") == "":
		id, why = "invalid_request", "client_id is missing, which the request has whatever proves the client (RFC 9126 2)"
	case id == "" && (q.Has("request_uri") || !c.MayRedirect(q.Get("redirect_uri"))):
		id, why = "invalid_request", "request_uri is there, or redirect_uri is not registered"
	case id == "":
		id, why = s.read(&authz{client: c}, q)
	}
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	m := s.inbox.Put(c.Sender(), q, s.now())
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Pushed }, m)
	return reply.Object(http.StatusCreated, m)
}

// wrong is the page for a request whose sender cannot be told.
func wrong(words, detail string) reply.Reply {
	return page.Notice(http.StatusBadRequest, "This request cannot be answered", words, detail).Write
}

// read takes the request apart. It returns an error code of RFC 6749 4.1.2.1
// or OIDC Core 3.1.2.6, and a sentence.
func (s *Server) read(a *authz, q url.Values) (id, why string) {
	var known bool
	a.kind, known = response.Parse(q.Get("response_type"))
	if a.mode, why = a.kind.Mode(q.Get("response_mode")); why != "" {
		return "invalid_request", why
	}
	if n := repeated(q); n != "" {
		if n == "state" {
			a.state = ""
		}
		return "invalid_request", n + " is there more than once"
	}
	a.nonce, a.loginHint, a.prompt = q.Get("nonce"), q.Get("login_hint"), strings.Fields(q.Get("prompt"))
	a.scopes = account.Within(strings.Fields(q.Get("scope")), account.Within(a.client.AllScopes(), account.UserScopes()))
	switch {
	case q.Get("response_type") == "":
		return "invalid_request", "response_type is missing"
	case !known:
		return "unsupported_response_type", "this provider does not know the response_type"
	case !a.client.MayAnswer(q.Get("response_type"), a.kind):
		return "unauthorized_client", "this client is not registered for the response_type"
	case a.kind.IDToken && a.nonce == "":
		return "invalid_request", "nonce is missing"
	case len(a.scopes) == 0:
		return "invalid_scope", "no scope that this client may ask for"
	case slices.Contains(a.prompt, "none") && len(a.prompt) > 1:
		return "invalid_request", "prompt none stands alone"
	case slices.ContainsFunc(a.prompt, func(p string) bool {
		return !slices.Contains([]string{"none", "login", "consent", "select_account"}, p)
	}):
		return "invalid_request", "an unknown value in prompt"
	}
	return s.readPerson(a, q)
}

// readPerson takes apart what the request says of the person and asks of them.
func (s *Server) readPerson(a *authz, q url.Values) (id, why string) {
	if n := a.client.Registered.DefaultMaxAge; n != nil && *n >= 0 {
		age := time.Duration(*n) * time.Second
		a.maxAge = &age
	}
	if v := q.Get("max_age"); v != "" {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return "invalid_request", "max_age must be a number of seconds"
		}
		age := time.Duration(n) * time.Second
		a.maxAge = &age
	}
	if hint := q.Get("id_token_hint"); hint != "" {
		h, _, err := s.hint(hint)
		if err != nil {
			return "invalid_request", "id_token_hint is not from this provider"
		}
		a.hintSub = h.Subject
	}
	if a.wish, id, why = wish.Read(q); id != "" {
		return id, why
	}
	a.wish.ACR = a.wish.ACR || len(a.client.Registered.DefaultACR) > 0
	if a.wish.Subject != "" {
		a.hintSub = a.wish.Subject
	}
	a.challenge, id, why = pkce.Read(q, a.client.Public() && a.kind.Code)
	return id, why
}

// deny answers with an error at the redirect URI.
func (s *Server) deny(a *authz, id, why string) reply.Reply {
	if a.device != nil {
		a.device.Deny()
		return decided("The device gets nothing: " + why + ".")
	}
	return s.respond(a, url.Values{"error": {id}, "error_description": {why}})
}

// respond sends the answer to the client: with state as it came, and with iss
// (RFC 9207 2).
func (s *Server) respond(a *authz, v url.Values) reply.Reply {
	if a.state != "" {
		v.Set("state", a.state)
	}
	v.Set("iss", s.o.Issuer)
	quirk.Bend(s.faults, func(f quirk.Fault) func(url.Values) { return f.Response }, v)
	sign := func(v url.Values) (string, error) {
		c := response.Claims(s.o.Issuer, a.client.ID, s.now().Add(s.o.CodeTTL).Unix(), v)
		jwt, err := s.sign(a.client, cmp.Or(a.client.ResponseAlg, "RS256"), quirk.Responses, &quirk.Token{Claims: c})
		if err != nil {
			return "", err
		}
		return sealing.Seal(a.client.Registered.ResponseWish(), a.client.Registered.JWKS, a.client.Secret, jwt, "JWT", quirk.ResponseSealer(s.faults))
	}
	return response.Send(a.redirect, a.mode, v, sign, func(v url.Values) string { return quirk.Outside(s.faults, v) })
}

// fulfil is the good answer: what the response type names (OIDC Core 3.1.2.5,
// 3.2.2.5, 3.3.2.5).
func (s *Server) fulfil(a *authz, sess *session) reply.Reply {
	v, g, with := url.Values{}, a.grant(sess), quirk.Token{Front: true}
	if a.kind.Code {
		with.Code = s.newCode(a, sess)
		v.Set("code", with.Code)
	}
	if a.kind.Token {
		var err error
		if with.Access, err = s.newAccess(g, a.scopes, false, nil); err != nil {
			return s.deny(a, "server_error", "the access token cannot be made")
		}
		response.Access(v, with.Access, s.o.AccessTTL, a.scopes)
	}
	if a.kind.IDToken {
		id, err := s.idToken(g, with)
		if err != nil {
			return s.deny(a, "server_error", "the ID token cannot be made")
		}
		v.Set("id_token", id)
	}
	return s.respond(a, v)
}
