package demoop

import (
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
	"rely/internal/demoop/reply"
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
	mode      string // query or form_post
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
	c := s.clients[q.Get("client_id")]
	if len(q["client_id"]) != 1 || c == nil {
		return wrong("The application did not say who it is, or it is not registered here.", "client_id: "+q.Get("client_id"))
	}
	q, odd, because := s.inbox.Open(c.sender(), q, s.now())
	switch {
	case odd == "invalid_request_uri":
		return wrong("The application has not sent its request, or too long ago.", odd+": "+because)
	case len(q["redirect_uri"]) != 1 || !c.mayRedirect(q.Get("redirect_uri")):
		return wrong("The application asked for the answer at an address that it has not registered. Nothing was sent there.",
			"redirect_uri: "+q.Get("redirect_uri"))
	}
	a := &authz{client: c, redirect: q.Get("redirect_uri"), state: q.Get("state"), mode: "query"}
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
	q, id, why := s.inbox.Unfold(c.sender(), r.PostForm, s.now())
	switch {
	case id == "" && (q.Has("request_uri") || !c.mayRedirect(q.Get("redirect_uri"))):
		id, why = "invalid_request", "request_uri is there, or redirect_uri is not registered"
	case id == "":
		id, why = s.read(&authz{client: c}, q)
	}
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	m := s.inbox.Put(c.sender(), q, s.now())
	for _, f := range s.faults {
		if f.Pushed != nil {
			f.Pushed(m)
		}
	}
	return reply.Object(http.StatusCreated, m)
}

// wrong is the page for a request whose sender cannot be told.
func wrong(words, detail string) reply.Reply {
	return page.Notice(http.StatusBadRequest, "This request cannot be answered", words, detail).Write
}

// read takes the request apart. It returns an error code of RFC 6749 4.1.2.1
// or OIDC Core 3.1.2.6, and a sentence.
func (s *Server) read(a *authz, q url.Values) (id, why string) {
	if n := repeated(q); n != "" {
		if n == "state" {
			a.state = ""
		}
		return "invalid_request", n + " is there more than once"
	}
	switch mode := q.Get("response_mode"); mode {
	case "", "query":
	case "form_post":
		a.mode = mode
	default:
		return "invalid_request", "response_mode must be query or form_post"
	}
	a.nonce, a.loginHint, a.prompt = q.Get("nonce"), q.Get("login_hint"), strings.Fields(q.Get("prompt"))
	a.scopes = account.Within(strings.Fields(q.Get("scope")), account.Within(a.client.scopes(), account.UserScopes()))
	switch {
	case q.Get("response_type") == "":
		return "invalid_request", "response_type is missing"
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "the only response_type is code"
	case !a.client.may("authorization_code"):
		return "unauthorized_client", "this client is not registered for the authorization code grant"
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
	if n := a.client.registered.DefaultMaxAge; n != nil && *n >= 0 {
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
	a.wish.ACR = a.wish.ACR || len(a.client.registered.DefaultACR) > 0
	if a.wish.Subject != "" {
		a.hintSub = a.wish.Subject
	}
	a.challenge, id, why = pkce.Read(q, a.client.public())
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
	for _, f := range s.faults {
		if f.Response != nil {
			f.Response(v)
		}
	}
	if a.mode == "form_post" {
		return page.Post(a.redirect, v).Write
	}
	// The redirect URI may have a query of its own, which stays (RFC 6749 3.1.2).
	glue := "?"
	if strings.Contains(a.redirect, "?") {
		glue = "&"
	}
	return reply.To(a.redirect + glue + v.Encode())
}
