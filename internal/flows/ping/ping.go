// Package ping is the client's notification endpoint for one backchannel
// authentication request (OpenID CIBA Core 10.2): a listener on loopback that
// believes nobody but the holder of the token that was sent with the request.
// What is notified is a reason to ask the token endpoint and nothing else; no
// token is ever taken from it.
package ping

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/loopback"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

const (
	op   = "wait for the provider's notification"
	spec = "CIBA 10.2"
	most = 16 << 10 // a notification is a few hundred bytes
)

// A Desk is the endpoint. Close it, or the port stays open.
type Desk struct {
	token    string
	warn     func(string)
	listener *loopback.Listener
	came     chan struct{}

	known chan struct{} // closed once id is what is awaited
	id    string

	mu      sync.Mutex
	told    bool  // somebody was believed
	strange error // the first that was not
}

// Open listens at the address that the client registered. Errors are those of
// [loopback.Listen], and Config for an address that no notification can go to.
func Open(ctx context.Context, r *request.Request, endpoint string) (*Desk, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(u.Path) < 2 {
		return nil, &fault.Error{Kind: fault.Config, ID: "ciba.endpoint", Op: op, Spec: "CIBA 4", Err: errors.New("the client notification endpoint is no https address with a path"),
			Hint: "register one as https://127.0.0.1:8910/ciba with --backchannel-client-notification-endpoint"}
	}
	d := &Desk{token: oauth2.GenerateVerifier(), warn: r.Warn, came: make(chan struct{}, 1), known: make(chan struct{})}
	o := loopback.Options{
		RedirectURI: u.Scheme + "://" + u.Host + "/" + rand.Text(), Bind: r.Listen, AllowHost: r.AllowHost,
		Accept: func(url.Values) error { return errors.New("nobody is to come back here") },
		Routes: map[string]http.HandlerFunc{u.Path: d.serve},
	}
	if o.Certificate, err = r.Certificate(); err != nil {
		return nil, err
	}
	d.listener, err = loopback.Listen(ctx, o)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		out := *f
		out.Op = op
		return nil, &out
	}
	return d, err
}

// Token is what proves a notification; it goes with the request.
func (d *Desk) Token() secret.String { return secret.New(d.token) }

// Expect says which request is awaited. Call it once. A provider that is quick
// is kept waiting until then.
func (d *Desk) Expect(id string) {
	d.id = id
	close(d.known)
}

// Came has something in it when a notification was believed.
func (d *Desk) Came() <-chan struct{} { return d.came }

// Close shuts the port.
func (d *Desk) Close() { _ = d.listener.Close() }

// Rung says what came, for the ladder. A provider that notified nobody is
// noted: the tokens were there all the same.
func (d *Desk) Rung() idtoken.Rung {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := idtoken.Rung{Name: "ciba-ping", Spec: spec, Expected: "a notification with the token that was sent", Actual: "it came", Status: idtoken.Passed}
	switch {
	case d.told:
	case d.strange != nil:
		r.Actual, r.Status = d.strange.Error(), idtoken.Noted
	default:
		r.Actual, r.Status = "none came, and the token endpoint was asked without", idtoken.Noted
	}
	return r
}

// serve answers one notification.
func (d *Desk) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	status, err := d.judge(w, r)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.told = true
		select {
		case d.came <- struct{}{}:
		default: // the last one has not been looked at yet
		}
	case d.strange == nil:
		d.strange = err
		d.warn("a request to the notification endpoint was refused, and the sign-in goes on: " + fault.VisibleUpTo(err.Error(), 300))
	}
}

// judge looks at the token first: whoever does not have it learns nothing.
func (d *Desk) judge(w http.ResponseWriter, r *http.Request) (int, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1:
		return http.StatusUnauthorized, errors.New("it came without the client notification token")
	case subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(d.token)) != 1:
		return http.StatusUnauthorized, errors.New("its token is not the client notification token that was sent")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, errors.New("it was no POST")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("it was no JSON")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return http.StatusRequestEntityTooLarge, errors.New("it was too large, or broke off")
	}
	all, err := strictjson.Object(body)
	var id string
	if err == nil {
		err = json.Unmarshal(all["auth_req_id"], &id)
	}
	if err != nil {
		return http.StatusBadRequest, errors.New("it holds no auth_req_id that could be read")
	}
	select {
	case <-d.known:
	case <-r.Context().Done():
		return http.StatusServiceUnavailable, errors.New("it came before the provider had answered the request")
	}
	if subtle.ConstantTimeCompare([]byte(id), []byte(d.id)) != 1 {
		return http.StatusBadRequest, errors.New("it is about another request (auth_req_id)")
	}
	if all["access_token"] != nil || all["id_token"] != nil {
		return http.StatusBadRequest, errors.New("it holds tokens, which the push mode has and this client is not registered for")
	}
	return http.StatusNoContent, nil
}
