package useragent

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/secret"
	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
)

func TestFormsKeepsCookiesAndManners(t *testing.T) {
	t.Parallel()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/done", Secure: true})
			http.SetCookie(w, &http.Cookie{Name: "elsewhere", Value: "1", Path: "/other"})
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(login))
		case "/done":
			got = r.Header
			http.Redirect(w, r, "/callback", http.StatusSeeOther)
		}
	}))
	t.Cleanup(server.Close)
	o := Options{HTTP: server.Client().Transport, Username: "alice", Password: secret.New(password)}
	v := Visit{URL: server.URL, RedirectURI: server.URL + "/callback", Origins: []string{server.URL + "/realms/demo"}}
	if err := newForms(o).Visit(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Cookie": "sid=1", "Origin": server.URL, "Referer": "", "User-Agent": "rely (forms)"} {
		if got := got.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestFormsLeavesTheAnswerToTheListener(t *testing.T) {
	t.Parallel()

	t.Run("an answer that was sent is no error, whatever becomes of it", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		v := Visit{URL: server.URL + "/cb?code=1", RedirectURI: server.URL + "/cb"}
		if err := newForms(Options{HTTP: server.Client().Transport}).Visit(ctx, v); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})

	for name, c := range map[string]struct {
		lost, want int
		kind       fault.Kind
	}{
		"a connection that was lost on the way":           {1, 2, 0},
		"two of them":                                     {2, 3, 0},
		"a listener that never reads to the end":          {9, 3, fault.Network},
		"a listener that has the answer and says nothing": {0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n := int(asked.Add(1)); n <= c.lost || c.lost == 0 {
					panic(http.ErrAbortHandler)
				}
			}))
			t.Cleanup(server.Close)
			v := Visit{URL: server.URL + "/cb?code=1", RedirectURI: server.URL + "/cb", Came: func() bool { return int(asked.Load()) > c.lost }}
			err := newForms(Options{HTTP: &http.Transport{DisableKeepAlives: true}}).Visit(t.Context(), v)
			if c.kind == 0 && err != nil || c.kind != 0 && !fault.Is(err, c.kind) {
				t.Errorf("got %v, want the kind %d", err, c.kind)
			}
			if got := int(asked.Load()); got != c.want {
				t.Errorf("got %d requests, want %d", got, c.want)
			}
		})
	}

	t.Run("a page that hands the fragment over, and was lost on the way", func(t *testing.T) {
		t.Parallel()
		var pages, came atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				came.Add(1)
				return
			}
			const text = `<form method="post"><input name="fragment" type="hidden"></form>`
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			if pages.Add(1) == 1 {
				_, _ = io.WriteString(w, text[:20])
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(server.Close)
		v := Visit{URL: server.URL + "/cb#code=1", RedirectURI: server.URL + "/cb", Came: func() bool { return came.Load() > 0 }}
		err := newForms(Options{HTTP: &http.Transport{DisableKeepAlives: true}}).Visit(t.Context(), v)
		if err != nil || pages.Load() != 2 || came.Load() != 1 {
			t.Errorf("got %v after %d pages and %d answers, want the second page and an answer", err, pages.Load(), came.Load())
		}
	})

	t.Run("nothing to carry", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(server.Close)
		v := Visit{URL: server.URL + "/cb", RedirectURI: server.URL + "/cb", Came: func() bool { return false }}
		wantFault(t, newForms(Options{HTTP: server.Client().Transport}).Visit(t.Context(), v), fault.Protocol, "useragent.nothing-came")
	})

	t.Run("a listener that is gone", func(t *testing.T) {
		t.Parallel()
		gone := httptest.NewServer(nil)
		gone.Close()
		s := newSite(t, map[string]string{"/start": "302 " + gone.URL + "/cb?code=c0de"})
		err := s.visit(t.Context(), func(_ *Options, v *Visit) { v.RedirectURI = gone.URL + "/cb" })
		f := wantFault(t, err, fault.Network, "useragent.network")
		if strings.Contains(f.Error(), "c0de") {
			t.Errorf("got %q, want no code in it", f)
		}
	})

	t.Run("a certificate that is not trusted", func(t *testing.T) {
		t.Parallel()
		listener := httptest.NewUnstartedServer(nil)
		listener.Config.ErrorLog = log.New(io.Discard, "", 0)
		listener.StartTLS()
		t.Cleanup(listener.Close)
		s := newSite(t, map[string]string{"/start": "302 " + listener.URL + "/cb?code=c0de"})
		err := s.visit(t.Context(), func(_ *Options, v *Visit) { v.RedirectURI = listener.URL + "/cb" })
		wantFault(t, err, fault.Network, "useragent.network")
	})
}

func TestFormsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	f := newForms(Options{HTTP: server.Client().Transport})
	wantFault(t, f.Visit(ctx, Visit{URL: server.URL}), fault.Cancelled, "useragent.cancelled")

	ctx, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	wantFault(t, f.Visit(ctx, Visit{URL: server.URL}), fault.Unfinished, "useragent.unfinished")
}

func TestFormsEndsWithoutARedirectURI(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"/start": `<form method=post action=/ok><input name=user_code value=ABCD-EFGH><button>Continue</button></form>`, "/ok": "<p>signed in",
	})
	if err := s.visit(t.Context(), func(_ *Options, v *Visit) { v.RedirectURI = "" }); err != nil {
		t.Fatal(err)
	}
	if got, want := s.after(), "POST /ok user_code=ABCD-EFGH"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever a page holds, reading it ends, and the password goes nowhere but to
// the provider's own origin, and in a body.
func FuzzPage(f *testing.F) {
	f.Add(login, 200)
	f.Add(`<form action="//evil.example"><input type=password>`, 200)
	f.Add(`<table><form><tr><td><select><option><button formmethod=post formaction=http://x>`, 401)
	f.Add(`<meta http-equiv=refresh content="0;url=//x"><base href="http://[::1]">`, 500)
	f.Add(`<form action=//evil.example method=post><input name=told><input name=otp><a href="javascript:x">on</a>`, 200)
	u, _ := url.Parse("https://op.example/login?x=1")
	told := recipe.Recipe{Steps: []recipe.Step{
		{Match: recipe.Condition{Field: "told"}, Fill: []recipe.Fill{{Field: "told", Value: "password"}}},
		{Match: recipe.Condition{Text: "on"}, Click: "on"},
	}}
	f.Fuzz(func(t *testing.T, body string, status int) {
		o := Options{Username: "alice", Password: secret.New("pa55word"), Recipe: told}
		withCode(&o, nil)
		w := &walk{o: o, trust: map[string]bool{"https://op.example": true}, end: u}
		var r *request
		d, err := w.next(page.Read(u, status, "text/html", []byte(body)))
		if err == nil && d != nil {
			r, err = w.request(d)
		}
		var known *fault.Error
		if err != nil && !errors.As(err, &known) {
			t.Fatalf("got %v, want a fault", err)
		}
		if err != nil || strings.Contains(body, "pa55word") {
			return
		}
		if strings.Contains(r.url.String(), "pa55word") {
			t.Fatalf("got the password in %s", r.url)
		}
		if strings.Contains(string(r.body), "pa55word") && address.Origin(r.url) != "https://op.example" {
			t.Fatalf("got the password sent to %s", r.url)
		}
		if r.url.Scheme != "https" && r.url.Scheme != "http" {
			t.Fatalf("got a request for %s", r.url)
		}
	})
}

func TestAHostilePageCostsWhatItWeighs(t *testing.T) {
	t.Parallel()
	u, _ := url.Parse("https://op.example/")
	for _, part := range []string{"<label class=error>", "<form><input name=user>", "<button>x", "<option>", "<table><form>", "<div hidden>"} {
		body := strings.Repeat(part, maxPage/len(part)/8)
		w := &walk{o: Options{Username: "alice", Recipe: recipe.Recipe{Steps: []recipe.Step{{Match: recipe.Condition{Field: "nothing"}, Click: "on"}}}}}
		_, _ = w.next(page.Read(u, 200, "text/html", []byte(body)))
	}
}
