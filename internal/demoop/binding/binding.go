// Package binding binds the embedded provider's tokens to what their sender
// proves to hold: a key, by DPoP (RFC 9449), or the certificate of a TLS
// connection (RFC 8705). It stands in front of the endpoints and leaves to them
// what a request means. It shares no code with the client that makes proofs.
package binding

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

// Rules bend the good desk; the zero value is good.
type Rules struct {
	Nonce    bool // proofs need the desk's nonce
	Always   bool // no nonce is ever right
	Nameless bool // a nonce is asked for, and none is given
	Bearer   bool // tokens are not bound, whatever was proven
	Unasked  bool // tokens are said to be bound though nobody proved anything
	Turning  bool // each answer brings the next nonce
	Type     string
	Thumb    string // introspection names this certificate
	Silent   bool   // introspection names nothing
}

// most is how many bindings and used proofs are remembered.
const most = 10000

// A bond is what a token, or a code by its challenge, is bound to.
type bond struct{ jkt, x5t string }

// A Desk remembers what is bound to what. The zero value is not usable.
type Desk struct {
	now   func() time.Time
	rules Rules
	wants func(clientID string) (key, certificate bool)

	mu    sync.Mutex // guards everything below
	bonds *shelf.Shelf[bond]
	used  *shelf.Shelf[bool]
	nonce string
}

// New makes a desk. wants says what a client registered to have its tokens
// bound to.
func New(now func() time.Time, rules Rules, wants func(clientID string) (key, certificate bool)) *Desk {
	return &Desk{now: now, rules: rules, bonds: shelf.New[bond](most), used: shelf.New[bool](most), nonce: shelf.Fresh(), wants: wants}
}

// Metadata adds what the desk can do to the discovery document.
func (d *Desk) Metadata(m map[string]any, base string) {
	aliases := map[string]string{}
	for name, path := range Aliases() {
		aliases[name] = base + "/mtls" + path
	}
	m["mtls_endpoint_aliases"] = aliases
	m["dpop_signing_alg_values_supported"] = Algs()
	m["tls_client_certificate_bound_access_tokens"] = true
}

// Around is h, an endpoint under path, with bindings made and looked at. Paths
// that have none come back as they are.
func (d *Desk) Around(path string, h http.Handler) http.Handler {
	switch strings.TrimPrefix(path, "/mtls") {
	case "/authorize":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.authorize(r); h.ServeHTTP(w, r) })
	case "/token":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.token(w, r, h) })
	case "/userinfo":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.resource(w, r, h) })
	case "/introspect":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.introspect(w, r, h) })
	}
	return h
}

func (d *Desk) keep(name string, b bond) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name != "" && b != (bond{}) {
		d.bonds.Put(name, b, d.now(), d.now().Add(24*time.Hour))
	}
}

func (d *Desk) bond(name string) bond {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, _, _ := d.bonds.Get(name, d.now())
	return b
}

// authorize takes note of dpop_jkt (RFC 9449 10), by the PKCE challenge, which
// comes back with the code.
func (d *Desk) authorize(r *http.Request) {
	if c := r.Form.Get("code_challenge"); c != "" {
		d.keep("code "+c, bond{jkt: r.Form.Get("dpop_jkt")})
	}
}

// token checks the proof of a token request and binds what it brings.
func (d *Desk) token(w http.ResponseWriter, r *http.Request, h http.Handler) {
	var is bond
	if proofs := r.Header.Values("DPoP"); len(proofs) > 0 {
		p, why := d.check(proofs, r.Method, address(r), "")
		if why != "" {
			d.refuse(w, http.StatusBadRequest, why)
			return
		}
		is.jkt = p
	}
	key, certificate := d.wants(clientOf(r))
	if key && is.jkt == "" {
		d.refuse(w, http.StatusBadRequest, "the client's tokens are bound to a key, and it sent no proof")
		return
	}
	if certificate {
		if is.x5t = Thumbprint(r); is.x5t == "" {
			reply.Refuse(http.StatusBadRequest, "invalid_request", "the client's tokens are bound to its certificate, and it showed none")(w)
			return
		}
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	was := d.bond("code " + base64.RawURLEncoding.EncodeToString(sum[:]))
	if r.PostForm.Get("grant_type") == "refresh_token" {
		was = d.bond(r.PostForm.Get("refresh_token"))
	}
	if was.jkt != "" && was.jkt != is.jkt || was.x5t != "" && was.x5t != is.x5t {
		reply.Refuse(http.StatusBadRequest, "invalid_grant", "it is bound to another key, or the proof is missing")(w)
		return
	}
	d.bent(w, r.WithContext(context.WithValue(r.Context(), known{}, is)), h, func(m map[string]any) { d.bind(m, is) })
}

// bind changes a token answer.
func (d *Desk) bind(m map[string]any, is bond) {
	text := func(name string) string { s, _ := m[name].(string); return s }
	if !strings.EqualFold(text("token_type"), "bearer") {
		return
	}
	switch {
	case d.rules.Unasked:
		m["token_type"] = "DPoP"
	case d.rules.Bearer, is == bond{}:
		return
	case is.jkt != "" && d.rules.Type != "":
		m["token_type"] = d.rules.Type
	case is.jkt != "":
		m["token_type"] = "DPoP"
	}
	d.keep(text("access_token"), is)
	d.keep(text("refresh_token"), is)
}

// resource looks at the binding of the access token, and hands the request on
// as the endpoint knows it.
func (d *Desk) resource(w http.ResponseWriter, r *http.Request, h http.Handler) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token == "" {
		token = r.PostForm.Get("access_token")
	}
	is := d.bond(token)
	isDPoP := strings.EqualFold(scheme, "DPoP")
	switch {
	case isDPoP && is.jkt == "", !isDPoP && is.jkt != "":
		d.challenge(w, "invalid_token", "the token and the authentication scheme do not belong together")
		return
	case is.x5t != "" && is.x5t != Thumbprint(r):
		d.challenge(w, "invalid_token", "the token is bound to another certificate")
		return
	case isDPoP:
		jkt, why := d.check(r.Header.Values("DPoP"), r.Method, address(r), token)
		if why == "" && jkt != is.jkt {
			why = "the token is bound to another key"
		}
		if why != "" {
			d.refuse(w, http.StatusUnauthorized, why)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
		d.offer(w)
	}
	h.ServeHTTP(w, r)
}

// introspect says what a token is bound to (RFC 9449 6.2, RFC 8705 3.2).
func (d *Desk) introspect(w http.ResponseWriter, r *http.Request, h http.Handler) {
	is := d.bond(r.PostForm.Get("token"))
	d.bent(w, r, h, func(m map[string]any) {
		if m["active"] != true || is == (bond{}) || d.rules.Silent {
			return
		}
		if is.jkt != "" {
			m["token_type"] = "DPoP"
		}
		if d.rules.Thumb != "" {
			is.x5t = d.rules.Thumb
		}
		m["cnf"] = is.cnf()
	})
}

// cnf is a bond as tokens and introspection word it (RFC 8705 3.1, RFC 9449 6.1).
func (b bond) cnf() map[string]string {
	m := map[string]string{}
	if b.jkt != "" {
		m["jkt"] = b.jkt
	}
	if b.x5t != "" {
		m["x5t#S256"] = b.x5t
	}
	return m
}

// known is under what a token request knows its bond.
type known struct{}

// Confirmation is the claim cnf for the tokens of a token request; nil where
// they are bound to nothing.
func (d *Desk) Confirmation(r *http.Request) map[string]string {
	is, _ := r.Context().Value(known{}).(bond)
	if is == (bond{}) || d.rules.Bearer {
		return nil
	}
	return is.cnf()
}

// bent sends a good JSON answer with other members.
func (d *Desk) bent(w http.ResponseWriter, r *http.Request, h http.Handler, change func(map[string]any)) {
	rec := &recorder{header: http.Header{}, code: http.StatusOK}
	h.ServeHTTP(rec, r)
	for n, v := range rec.header {
		w.Header()[n] = v
	}
	d.offer(w)
	body := rec.Bytes()
	var m map[string]any
	reader := json.NewDecoder(bytes.NewReader(body))
	reader.UseNumber()
	if rec.code == http.StatusOK && reader.Decode(&m) == nil {
		change(m)
		if b, err := json.Marshal(m); err == nil {
			body = b
		}
	}
	w.WriteHeader(rec.code)
	_, _ = w.Write(body)
}

// offer gives the nonce for the next proof.
func (d *Desk) offer(w http.ResponseWriter) {
	if nonce := d.turn(d.rules.Turning); d.rules.Nonce {
		w.Header().Set("DPoP-Nonce", nonce)
	}
}

// turn is the nonce in force, a new one where it turns.
func (d *Desk) turn(now bool) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now {
		d.nonce = shelf.Fresh()
	}
	return d.nonce
}

// address is the request's own, as a proof has to name it.
func address(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host + r.URL.Path
	}
	return "http://" + r.Host + r.URL.Path
}

type recorder struct {
	header http.Header
	code   int
	bytes.Buffer
}

func (r *recorder) Header() http.Header  { return r.header }
func (r *recorder) WriteHeader(code int) { r.code = code }

// useNonce is what check says where the nonce is missing or old.
const useNonce = "use_dpop_nonce"

// refuse words a proof that was not taken, in the way of the token endpoint or
// of a resource (RFC 9449 5, 7.1, 8, 9).
func (d *Desk) refuse(w http.ResponseWriter, code int, why string) {
	id := "invalid_dpop_proof"
	if why == useNonce {
		id, why = useNonce, "the proof needs this server's nonce"
		if !d.rules.Nameless {
			w.Header().Set("DPoP-Nonce", d.turn(d.rules.Always))
		}
	}
	if code == http.StatusUnauthorized {
		d.challenge(w, id, why)
		return
	}
	reply.Refuse(code, id, why)(w)
}

func (d *Desk) challenge(w http.ResponseWriter, id, why string) {
	reply.With("WWW-Authenticate", `DPoP algs="`+strings.Join(Algs(), " ")+`", error="`+id+`", error_description="`+why+`"`,
		reply.Refuse(http.StatusUnauthorized, id, why))(w)
}

// clientOf is the client that a request names; whether it is that one, the
// endpoint finds out.
func clientOf(r *http.Request) string {
	if id := r.PostForm.Get("client_id"); id != "" {
		return id
	}
	user, _, _ := r.BasicAuth()
	id, _ := url.QueryUnescape(user)
	return id
}
