package logout

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"slices"
	"strings"
)

// submit sends the form of the page by itself.
const submit = `document.forms[0].submit()`

// start is the page that leads to the provider: a redirect, or a form that
// sends itself. It works once, under an address that nobody can guess, because
// what it leads to holds the ID token, which must stand in no command line, no
// process list and on no screen.
func (u *run) start(w http.ResponseWriter, r *http.Request) {
	<-u.ready // somebody may knock as soon as the port is open
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		http.Error(w, "GET alone", http.StatusMethodNotAllowed)
		return
	case strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch"):
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	case !u.first():
		http.Error(w, "This address works once, and it was used. Look at your terminal, or start again there.", http.StatusGone)
		return
	}
	if !u.Post {
		h.Set("Location", u.endSession().String())
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	sum := sha256.Sum256([]byte(submit))
	h.Set("Content-Type", "text/html; charset=utf-8")
	// No form-action: browsers apply it to where the provider redirects to.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; frame-ancestors 'none'; base-uri 'none'")
	_, _ = w.Write([]byte(u.formPage()))
}

// first reports whether this is the first visit.
func (u *run) first() bool {
	u.once.Lock()
	defer u.once.Unlock()
	select {
	case <-u.begun:
		return false
	default:
		close(u.begun)
		return true
	}
}

// formPage posts the request to the provider.
func (u *run) formPage() string {
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Signing out</title></head><body><h1>Signing out</h1>` +
		`<form method="post" action="` + html.EscapeString(u.Endpoint) + `">`)
	form := u.form()
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(`<input type="hidden" name="` + html.EscapeString(name) + `" value="` + html.EscapeString(form.Get(name)) + `">`)
	}
	b.WriteString(`<button type="submit">Continue</button></form><script>` + submit + `</script></body></html>`)
	return b.String()
}
