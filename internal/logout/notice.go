package logout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/idtoken/logouttoken"
	"rely/internal/loopback"
	"rely/internal/secret"
)

const receiving = "receive the provider's notice of logout"

// A Channel is a way by which a provider tells a client that a session ended.
type Channel string

// The two ways.
const (
	Front Channel = "front-channel" // a frame in the browser (OpenID Connect Front-Channel Logout 1.0)
	Back  Channel = "back-channel"  // a token from the provider itself (OpenID Connect Back-Channel Logout 1.0)
)

// A Notice is what came by one of them. Err is why it was refused.
type Notice struct {
	Channel Channel
	Claims  *idtoken.Claims // of a logout token that passed
	Session string          // sid of a front-channel notice; empty where it had none
	Ladder  []idtoken.Rung
	Err     error
}

// Notices receives them: one for each wanted URI, good or bad. What is no
// notice at all is answered and changes nothing.
type Notices struct {
	Front, Back  string               // the client's registered URIs; empty where none is waited for
	NeedsSession bool                 // frontchannel_logout_session_required is registered
	Expected     logouttoken.Expected // Now and Used are filled in
	Now          func() time.Time

	mu      sync.Mutex
	jtis    map[string]bool
	done    map[Channel]bool
	arrived chan Notice
}

// Routes are the paths to answer, by the origin that the listener for them has
// to have.
func (n *Notices) Routes() map[string]map[string]http.HandlerFunc {
	n.jtis, n.done, n.arrived = map[string]bool{}, map[Channel]bool{}, make(chan Notice, 2)
	out := map[string]map[string]http.HandlerFunc{}
	for uri, h := range map[string]http.HandlerFunc{n.Front: n.front, n.Back: n.back} {
		u, err := url.Parse(uri)
		if uri == "" || err != nil {
			continue
		}
		origin := u.Scheme + "://" + u.Host
		if out[origin] == nil {
			out[origin] = map[string]http.HandlerFunc{}
		}
		if u.Path == "" {
			u.Path = "/"
		}
		out[origin][u.Path] = h
	}
	return out
}

// Wait gives what comes, until there was one for each wanted URI or ctx ends.
// missing are those that did not come.
func (n *Notices) Wait(ctx context.Context, each func(Notice)) (missing []Channel) {
	wanted := map[Channel]bool{Front: n.Front != "", Back: n.Back != ""}
	for wanted[Front] || wanted[Back] {
		select {
		case one := <-n.arrived:
			wanted[one.Channel] = false
			each(one)
		case <-ctx.Done():
			for _, c := range []Channel{Front, Back} {
				if wanted[c] {
					missing = append(missing, c)
				}
			}
			return missing
		}
	}
	return nil
}

// came hands a notice on, the first of its channel.
func (n *Notices) came(one Notice) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.done[one.Channel] {
		return false
	}
	n.done[one.Channel] = true
	n.arrived <- one // has room for one of each
	return true
}

func (n *Notices) used(jti string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.jtis[jti]
	n.jtis[jti] = true
	return was
}

// back takes a logout token (Back-Channel Logout 2.5) and answers as 2.8 says:
// 200, or 400 with the reason, never to be kept.
func (n *Notices) back(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || err != nil || kind != "application/x-www-form-urlencoded" {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "a logout token is posted as a form")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	form, bad := url.ParseQuery(string(body))
	if err != nil || bad != nil || len(form["logout_token"]) != 1 {
		refuse(w, http.StatusBadRequest, "there has to be one logout_token")
		return
	}
	e := n.Expected
	e.Now, e.Used = n.Now(), n.used
	one := Notice{Channel: Back}
	one.Claims, one.Ladder, one.Err = logouttoken.Verify(r.Context(), secret.New(form.Get("logout_token")), e)
	if !n.came(one) && one.Err == nil {
		one.Err = errors.New("a notice came before")
	}
	if one.Err != nil {
		refuse(w, http.StatusBadRequest, one.Err.Error())
		return
	}
	w.WriteHeader(http.StatusOK)
}

// refuse is an error of RFC 6749 5.2, as Back-Channel Logout 2.8 has it.
func refuse(w http.ResponseWriter, status int, why string) {
	js, err := json.Marshal(map[string]string{"error": "invalid_request", "error_description": fault.VisibleUpTo(why, 300)})
	if err != nil {
		js = []byte(`{"error":"invalid_request"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(js)
}

// front answers the frame that the provider's page loads (Front-Channel Logout
// 2, 3): nothing to see, and never from a cache.
func (n *Notices) front(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache, no-store")
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	q := r.URL.Query()
	one := Notice{Channel: Front, Session: q.Get("sid")}
	one.Ladder, one.Err = n.frontRules(q)
	if !n.came(one) || one.Err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = io.WriteString(w, "<!doctype html><title>Signed out</title>")
}

// A FrontRule is one check on a front-channel notice.
type FrontRule struct {
	Name, Spec, Demand string
	check              func(n *Notices, q url.Values) (expected, actual string, skip bool, err error)
}

// FrontRules is the table of those checks, in order.
func FrontRules() []FrontRule {
	const spec = "OIDC Front-Channel Logout 2"
	return []FrontRule{
		{"frontchannel-once", "RFC 6749 3.1", "no parameter is there twice", checkOnce},
		{"frontchannel-both", spec, "iss and sid are there together, or neither is", checkBoth},
		{"frontchannel-session", spec, "sid is there where the client demands it", checkDemanded},
		{"frontchannel-iss", spec, "iss, if there, is the issuer", checkIss},
		{"frontchannel-sid", spec, "sid, if there, is the session's", checkSID},
	}
}

func (n *Notices) frontRules(q url.Values) ([]idtoken.Rung, error) {
	var rungs []idtoken.Rung
	var first error
	for _, r := range FrontRules() {
		expected, actual, skip, err := r.check(n, q)
		rung := idtoken.Rung{Name: r.Name, Spec: r.Spec, Expected: expected, Actual: actual, Status: idtoken.Passed}
		switch {
		case err != nil:
			rung.Status = idtoken.Failed
		case skip:
			rung.Status = idtoken.Skipped
		}
		if err != nil && first == nil {
			first = &fault.Error{Kind: fault.Protocol, ID: "logout." + r.Name, Op: "check the front-channel notice", Spec: r.Spec, Err: err,
				Hint: "report this to the people who run the provider; whoever sent the notice may not be them"}
		}
		rungs = append(rungs, rung)
	}
	return rungs, first
}

func checkOnce(_ *Notices, q url.Values) (expected, actual string, skip bool, err error) {
	for name, values := range q {
		if len(values) > 1 {
			return "each parameter once", name + " more than once", false, fmt.Errorf("%q is there %d times", name, len(values))
		}
	}
	return "each parameter once", "each parameter once", false, nil
}

func checkBoth(_ *Notices, q url.Values) (expected, actual string, skip bool, err error) {
	const want = "iss and sid, or neither"
	if q.Has("iss") != q.Has("sid") {
		return want, "one of them", false, errors.New("of \"iss\" and \"sid\" one is there alone")
	}
	return want, map[bool]string{true: "both", false: "neither"}[q.Has("iss")], false, nil
}

func checkDemanded(n *Notices, q url.Values) (expected, actual string, skip bool, err error) {
	if !n.NeedsSession {
		return "", "the client does not demand it", true, nil
	}
	if !q.Has("sid") {
		return "sid", "missing", false, errors.New("\"sid\" is missing, and the client is registered with frontchannel_logout_session_required")
	}
	return "sid", "there", false, nil
}

func checkIss(n *Notices, q url.Values) (expected, actual string, skip bool, err error) {
	switch want, got := n.Expected.Issuer, q.Get("iss"); {
	case !q.Has("iss"):
		return want, "not sent", true, nil
	case got != want:
		return want, got, false, fmt.Errorf("\"iss\" is %q, not the issuer", got)
	default:
		return want, got, false, nil
	}
}

func checkSID(n *Notices, q url.Values) (expected, actual string, skip bool, err error) {
	switch want, got := n.Expected.Session, q.Get("sid"); {
	case !q.Has("sid"):
		return want, "not sent", true, nil
	case want == "":
		return "", "the session has none to compare with", true, nil
	case got != want:
		return want, got, false, errors.New("\"sid\" is not that of the session here")
	default:
		return want, got, false, nil
	}
}

// Listen opens a port for notices that the listener of a sign-out does not
// take.
func Listen(ctx context.Context, o loopback.Options) (*loopback.Listener, error) {
	o.Wait = "sign-out"
	o.Accept = func(url.Values) error { return errors.New("nobody is to come back here") }
	l, err := loopback.Listen(ctx, o)
	var f *fault.Error
	if errors.As(err, &f) {
		out := *f
		out.Op = receiving
		return nil, &out
	}
	return l, err
}
