package ops

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// byForms are the flags of alice, whom the form filler signs in.
func byForms(h *home, more ...string) []string {
	return append([]string{"login", "-p", "reg", "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password)}, more...)
}

// registers makes a home with a client of its own at the provider.
func registers(t *testing.T, p *provider, how ...string) *home {
	t.Helper()
	h := newHome(t)
	h.exits(0, append([]string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca}, how...)...)
	kept(h)
	keys(h)
	return h
}

// passes wants these checks to have passed.
func passes(t *testing.T, r result, rungs string) {
	t.Helper()
	for _, rung := range strings.Fields(rungs) {
		if !regexp.MustCompile(`ok +` + regexp.QuoteMeta(rung) + ` `).MatchString(r.stderr) {
			t.Errorf("rely %s: got %q, want %s ok", strings.Join(r.args, " "), r.stderr, rung)
		}
	}
}

// TestFrontChannel: what comes through the browser beside a code, in each
// response type and mode that oidc-provider offers. The form filler hands the
// fragment over as the page at the redirect URI would.
func TestFrontChannel(t *testing.T) {
	need(t)
	t.Parallel()
	for flow, types := range map[string]map[string]string{
		"code":     {"code": ""},
		"implicit": {"id_token": "nonce", "id_token token": "nonce at-hash response-token"},
		"hybrid": {
			"code id_token":       "front-nonce front-c-hash hybrid-sub",
			"code token":          "response-token",
			"code id_token token": "front-nonce front-c-hash front-at-hash response-token hybrid-sub",
		},
	} {
		t.Run(flow, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			h := registers(t, p, "--flow", flow)
			for kind, rungs := range types {
				for _, mode := range []string{"", "query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
					login := byForms(h, "--response-type", kind)
					if mode != "" {
						login = append(login, "--response-mode", mode)
					}
					if flow != "code" && strings.HasPrefix(mode, "query") {
						h.exits(2, login...)
						continue
					}
					passes(t, h.exits(0, login...), rungs+" response-state response-mode response-type")
					if strings.HasSuffix(mode, "jwt") {
						passes(t, h.said[len(h.said)-1], "jarm-response jarm-signature jarm-aud jarm-lifetime")
					}
					usable(t, h, kind)
				}
			}
			// The provider's own words, wherever it puts them.
			for _, mode := range []string{"fragment", "form_post", "jwt"} {
				r := h.exits(5, byForms(h, "--response-mode", mode, "--param", "prompt=none")...)
				if !strings.Contains(r.stderr, "login_required") {
					t.Errorf("%s: got %q, want the provider's login_required", mode, r.stderr)
				}
			}
		})
	}
}

// usable uses what a sign-in of that response type brought.
func usable(t *testing.T, h *home, kind string) {
	t.Helper()
	if kind == "id_token" {
		h.exits(4, "tokens", "-p", "reg")
		h.secret(h.line("tokens", "-p", "reg", "--id"))
		return
	}
	h.secret(h.line("tokens", "-p", "reg"))
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo", "-p", "reg")
	if who.Sub != "alice" {
		t.Errorf("%s: got sub %q, want alice", kind, who.Sub)
	}
}

// TestChromiumRelaysTheFragment: no form filler here, but the page at the
// redirect URI in a real browser, by https and under its own policy.
func TestChromiumRelaysTheFragment(t *testing.T) {
	need(t, "chromium google-chrome", "certutil")
	t.Parallel()
	p, err := steady()
	if err != nil {
		t.Fatal(err)
	}
	h := registers(t, p, "--flow", "implicit")
	page, ended := h.login(p, "login", "-p", "reg", "--browser", "none", "-v", "--trace")
	b := openBrowser(t, p.ca, h.authority())
	r := b.approves(t, page, ended)
	passes(t, r, "response-mode response-token nonce at-hash")
	b.do(t, chromedp.WaitNotPresent(chromedp.CSS(`form[action$="/confirm"], input[name="fragment"]`)))
	if text := b.read(t, chromedp.Text(chromedp.CSS("body"))); !strings.Contains(strings.ToLower(text), "signed in as alice") {
		t.Errorf("got the page %q, want one that says who signed in", text)
	}
	entries, err := chromedp.Run(b, chromedp.NavigationEntries())
	if err != nil {
		t.Fatal(err)
	}
	access := h.secret(h.line("tokens", "-p", "reg"))
	id := h.secret(h.line("tokens", "-p", "reg", "--id"))
	where := b.read(t, chromedp.Location())
	if strings.ContainsAny(where, "#?") || !strings.HasPrefix(where, "https://127.0.0.1:") {
		t.Errorf("got the address bar at %q, want the bare redirect URI", where)
	}
	for _, entry := range entries.Entries {
		for _, told := range []string{access, id, "access_token", "id_token="} {
			if strings.Contains(entry.URL, told) {
				t.Errorf("got a page in the tab's history whose address holds %.20q, want none", told)
			}
		}
	}
}
