package app

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// What the bundle does not know is asked of all authorities, by a new
// handshake and with the whole request; what neither knows is refused.
func TestTwoSteps(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail
	s.StartTLS()
	t.Cleanup(s.Close)
	right, wrong := x509.NewCertPool(), x509.NewCertPool()
	right.AddCert(s.Certificate())
	for what, c := range map[string]struct {
		bundle, all *x509.CertPool
		body        string
		once        bool // the body can be read once
		asked       int  // how often all were loaded
		fails       bool
	}{
		"the bundle does":                      {right, wrong, "", false, 0, false},
		"the bundle does, with a body":         {right, wrong, "grant", false, 0, false},
		"the bundle does not know it":          {wrong, right, "", false, 1, false},
		"nor with a body":                      {wrong, right, "grant", false, 1, false},
		"a body that can be read once":         {wrong, right, "grant", true, 1, false},
		"the bundle does, and it is read once": {right, wrong, "grant", true, 0, false},
		"there is no bundle":                   {nil, right, "grant", false, 1, false},
		"nobody knows it":                      {wrong, wrong, "grant", false, 1, true},
		"nobody knows it, and without bundle":  {nil, wrong, "", false, 1, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			asked := 0
			tr := &twoSteps{
				few: sync.OnceValue(func() http.RoundTripper {
					if c.bundle == nil {
						return nil
					}
					return (&Network{}).transport(c.bundle)
				}),
				all: sync.OnceValue(func() http.RoundTripper { asked++; return (&Network{}).transport(c.all) }),
			}
			for range 2 { // the second time it knows
				var body io.Reader = strings.NewReader(c.body)
				if c.once {
					body = io.MultiReader(body)
				}
				req, err := http.NewRequest(http.MethodPost, s.URL, body)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := tr.RoundTrip(req)
				if c.fails {
					if err == nil {
						t.Fatal("got an answer, want a refusal")
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(got) != c.body {
					t.Errorf("got the body %q, want %q", got, c.body)
				}
			}
			if asked != c.asked {
				t.Errorf("all authorities were loaded %d times, want %d", asked, c.asked)
			}
		})
	}
}

// Plain http loads nothing at all.
func TestTwoStepsWithoutTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	tr := &twoSteps{
		plain: func() http.RoundTripper { return (&Network{}).transport(nil) },
		few:   func() http.RoundTripper { t.Error("the bundle was read"); return nil },
		all:   func() http.RoundTripper { t.Error("all authorities were loaded"); return nil },
	}
	resp, err := tr.RoundTrip(httptest.NewRequest(http.MethodGet, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
