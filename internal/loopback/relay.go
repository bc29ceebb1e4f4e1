package loopback

import (
	"crypto/subtle"
	"html"
	"net/http"
	"net/url"
)

// A fragment never leaves the browser by itself (RFC 9110 7.1), so the page at
// the redirect URI hands it over: first it takes the fragment out of the
// address bar and the tab's history, then it posts it to the address it came
// from. The answer to that post is the page that says what came of it.

// relayScript does no more than that. It calls nothing that a page elsewhere
// could have replaced, and sends nothing to anywhere else: see the page's
// policy.
const relayScript = `var f=location.hash.slice(1);history.replaceState(null,"",location.pathname);` +
	`if(f){var e=document.forms[0];e.elements.fragment.value=f;e.submit()}else document.getElementById("idle").hidden=false`

// handOver sends the page. Where no fragment is awaited it comes with an error
// status, but works alike: an answer in the wrong place is for the flow to
// refuse, and not to be waited for in vain.
func (l *Listener) handOver(w http.ResponseWriter) {
	status := http.StatusOK
	if !l.fragment {
		status = http.StatusBadRequest
	}
	// A form's Origin is "null" under no-referrer (Fetch 3.2), and the origin
	// is what we look at. The referrer has no fragment, and goes to us alone.
	w.Header().Set("Referrer-Policy", "same-origin")
	below := `<form method="post" action="` + html.EscapeString(l.to.url.RequestURI()) + `">` +
		`<input type="hidden" name="pass" value="` + l.pass + `"><input type="hidden" name="fragment" value=""></form>` +
		`<noscript><p>Scripts are off for this page, and without one the answer cannot leave the browser. ` +
		`Copy the whole address from the address bar and paste it into the terminal, or allow scripts for this page and load it again.</p></noscript>` +
		`<p id="idle" hidden>There was no answer in the address. ` + goesOn + `</p>`
	page := neutral.document(Page{Title: "Waiting for the sign-in",
		Text: "The provider sends you here once you have signed in; the answer then goes to the command in your terminal."}, below, relayScript)
	send(w, status, page, relayScript, "'self'")
}

// ours reports whether our own page posts, by what a browser says of it and no
// page can change: the origin, and that it is the same site's (Fetch 3.2,
// Fetch Metadata 2.4). Older browsers send no Sec-Fetch-Site.
func (l *Listener) ours(h http.Header) bool {
	origin, site := h.Values("Origin"), h.Values("Sec-Fetch-Site")
	if len(origin) != 1 || len(site) > 1 || len(site) == 1 && site[0] != "same-origin" {
		return false
	}
	u, err := url.Parse(origin[0])
	return err == nil && u.Scheme == l.to.url.Scheme && u.Path == "" && l.to.serves(u.Host)
}

// relayed are the fragment's parameters, nil unless the post came from a page
// that we made for this sign-in.
func (l *Listener) relayed(form url.Values) url.Values {
	if len(form) != 2 || len(form["fragment"]) != 1 || len(form["pass"]) != 1 ||
		subtle.ConstantTimeCompare([]byte(form.Get("pass")), []byte(l.pass)) != 1 {
		return nil
	}
	return parseParams(form.Get("fragment"))
}
