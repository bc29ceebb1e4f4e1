package loopback

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// goesOn ends every page for a request that was not the answer.
const goesOn = "Nothing was changed. If a sign-in is waiting in your terminal, it goes on."

func (l *Listener) handle(w http.ResponseWriter, r *http.Request) {
	switch {
	case !l.to.serves(r.Host):
		// Somebody's name points here (DNS rebinding): say nothing at all.
		w.WriteHeader(http.StatusMisdirectedRequest)
	case l.routes[r.URL.Path] != nil && r.URL.Path != l.to.url.Path:
		l.routes[r.URL.Path](w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		l.notUsedSo(w)
	case r.URL.Path == l.to.url.Path:
		l.redirected(w, r)
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	default:
		l.notice(w, http.StatusNotFound, "There is nothing here", goesOn)
	}
}

func (l *Listener) notUsedSo(w http.ResponseWriter) {
	w.Header().Set("Allow", "GET, POST")
	l.notice(w, http.StatusMethodNotAllowed, "That is not how this page is used", goesOn)
}

// redirected answers a request for the redirect URI's own path.
func (l *Listener) redirected(w http.ResponseWriter, r *http.Request) {
	params, way, status := l.params(w, r)
	switch {
	case status == http.StatusMethodNotAllowed:
		l.notUsedSo(w)
		return
	case status != http.StatusOK:
		l.notice(w, status, "This is not an answer to a sign-in", goesOn)
		return
	case strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch"):
		// Nobody looks at this page yet; a real visit follows a refusal.
		l.notice(w, http.StatusServiceUnavailable, "Waiting for the sign-in", goesOn)
		return
	case len(params) == 0 && !l.bare:
		l.handOver(w)
		return
	}
	a, err := l.offer(params, way)
	switch {
	case errors.Is(err, errAnswered):
		l.notice(w, http.StatusConflict, "This sign-in was already answered",
			"An answer counts once. Look at your terminal for what came of it, or start again there.")
	case err != nil:
		l.notice(w, http.StatusBadRequest, "This answer belongs to another sign-in",
			"It may come from an older tab, or not from your provider at all. "+goesOn)
	default:
		l.hold(w, r, a)
	}
}

// params takes the answer's parameters from the query, the posted form, or the
// fragment that our own page posts; any status but 200 says why there are none.
func (l *Listener) params(w http.ResponseWriter, r *http.Request) (url.Values, Way, int) {
	params, own := l.to.answer(r.URL.RawQuery)
	switch {
	case !own:
		return nil, "", http.StatusBadRequest
	case r.Method == http.MethodGet && r.ContentLength != 0:
		return nil, "", http.StatusRequestEntityTooLarge
	case r.Method == http.MethodGet:
		return params, Query, http.StatusOK
	}
	relayed := l.ours(r.Header)
	switch {
	case !relayed && !l.formPost:
		return nil, "", http.StatusMethodNotAllowed
	case !relayed && !l.mayPost(r.Header.Values("Origin")):
		return nil, "", http.StatusForbidden
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, "", http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, "", http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, "", http.StatusBadRequest
	}
	params = parseParams(string(body))
	if !relayed {
		return params, Form, http.StatusOK
	}
	if params = l.relayed(params); params == nil {
		return nil, "", http.StatusForbidden
	}
	return params, Fragment, http.StatusOK
}

// mayPost reports whether the page that posts may do so. A program sends no
// Origin; a browser sends "null" after a redirect across sites or from a page
// that hides its address.
func (l *Listener) mayPost(origin []string) bool {
	switch len(origin) {
	case 0:
		return true
	case 1:
		return origin[0] == "null" || slices.ContainsFunc(l.origins, func(o string) bool {
			return strings.EqualFold(o, origin[0])
		})
	}
	return false
}

// hold keeps the browser waiting until it can be told what really happened.
func (l *Listener) hold(w http.ResponseWriter, r *http.Request, a *Answer) {
	// The flow has its own time limit; from here on the server's would only
	// cut off the browser of a slow provider.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
	select {
	case p := <-a.page:
		outcome(w, p)
	case <-l.over:
		select {
		case p := <-a.page: // it was there before the end
			outcome(w, p)
		default:
			l.notice(w, http.StatusGone, "The sign-in was given up",
				"The command in your terminal ended before it was done. Start it again there.")
		}
	case <-r.Context().Done():
		// The browser has gone; the flow goes on without it.
	}
}

func outcome(w http.ResponseWriter, p Page) {
	if p.OK {
		write(w, http.StatusOK, good, p)
		return
	}
	write(w, http.StatusForbidden, bad, p)
}

// notice is a page for whoever is not the one that is waited for.
func (l *Listener) notice(w http.ResponseWriter, status int, title, text string) {
	if l.what != "" {
		title, text = strings.ReplaceAll(title, "sign-in", l.what), strings.ReplaceAll(text, "sign-in", l.what)
	}
	write(w, status, neutral, Page{Title: title, Text: text})
}
