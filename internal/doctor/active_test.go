package doctor_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/doctor"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// try examines the embedded provider actively, alice signing in.
func try(t *testing.T, change func(*doctor.Options), faults ...string) (*doctor.Report, *stage.Stage) {
	t.Helper()
	// Whoever sleeps moves the clock of both.
	var slept atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
	host, err := stage.Open(t.Context(), demoop.Options{Faults: faults, Now: now, Notify: func(uri string, _ url.Values) {
		if a, err := http.Get(uri); err == nil {
			a.Body.Close()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	o := doctor.Options{Look: look(t, host, time.Now)}
	base := o.Look.HTTP.Base.(*http.Transport)
	o.Active = &trial.Options{HTTP: o.Look.HTTP, Now: now, Most: 1000, Slow: true, Site: here,
		Show: func(c *tls.Certificate) http.RoundTripper {
			own := base.Clone()
			t.Cleanup(own.CloseIdleConnections)
			if c != nil {
				own.TLSClientConfig.Certificates = []tls.Certificate{*c}
			}
			return own
		},
		Sleep: func(_ context.Context, d time.Duration) error { slept.Add(int64(d)); return nil },
		Agent: func(over http.RoundTripper) (useragent.Agent, error) {
			return useragent.Choose("forms", useragent.Options{HTTP: over, Username: "alice", Password: secret.New("wonderland-1865"), Now: time.Now})
		}}
	if change != nil {
		change(&o)
	}
	r, err := doctor.Examine(t.Context(), o, stage.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return r, host
}

// here is an address that counts who asks for it.
func here(context.Context) (*trial.Site, error) {
	var asked atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	return &trial.Site{URL: s.URL + "/request", Asked: asked.Load, Close: func() error { s.Close(); return nil }}, nil
}

func TestEveryActiveCheckFires(t *testing.T) {
	t.Parallel()
	for _, f := range demoop.Faults() {
		k, err := doctor.Find(f.Check)
		if f.Check == "" || err != nil || !k.Active {
			continue
		}
		t.Run(k.ID+" "+f.Name, func(t *testing.T) {
			t.Parallel()
			r, _ := try(t, func(o *doctor.Options) { o.Only = []string{k.ID} }, f.Name)
			if len(r.Findings) == 0 || r.Findings[0].Check.ID != k.ID {
				t.Errorf("got %s and %v, want %s", ids(r), r.NotRun, k.ID)
			}
			// A client that should have been refused cannot be deleted in these lies.
			if r.Left != nil && !strings.HasSuffix(r.Left.Error(), ": should-not-be") {
				t.Errorf("left behind: %v", r.Left)
			}
		})
	}
}

func TestActiveIsSilentOnTheGoodProviderAndCleansUp(t *testing.T) {
	t.Parallel()
	r, host := try(t, func(o *doctor.Options) { o.Skip = []string{"P71"} }) // how quick it is, a busy machine decides
	if len(r.Findings) > 0 || r.Left != nil {
		t.Errorf("got %s, left %v", ids(r), r.Left)
	}
	for _, n := range r.NotRun {
		if n.Check.Active && !slices.Contains(elsewhere(), n.Check.ID) {
			t.Errorf("%s was not run: %s", n.Check.ID, n.Reason)
		}
	}
	for _, s := range r.Stages {
		if s.Status != "ok" {
			t.Errorf("%s: %s", s.Name, s.Status)
		}
	}
	if got := host.Stats()["login"]; got != 1 {
		t.Errorf("somebody signed in %d times, want once", got)
	}
	// What was registered was deleted, and nobody but A36 and A34 asked for more:
	// without the token, the client read, and read again when it was gone.
	got, refused := host.Stats(), 4
	if made, asked := got["register"]-refused, got["registration"]-3; got["register"] < 10 || made != asked {
		t.Errorf("%d clients were made and %d deleted: %v", made, asked, got)
	}
}

// elsewhere are checks of what the good provider does not offer, which their
// faults switch on.
func elsewhere() []string { return []string{"A17", "A35", "A45", "L19", "L35"} }

// What is listed and was not tried is named, beside what works: the good
// provider takes every method; for one of them an authority has to vouch.
func TestMethodsThatAreNotTried(t *testing.T) {
	t.Parallel()
	r, host := try(t, func(o *doctor.Options) { o.Only = []string{"A45"} })
	const want = "not looked at: tls_client_auth (it is for an authority's certificate, to give with --tls-client-cert FILE; one that nobody vouches for brings: status 401, invalid_client); " +
		"taken as they should be: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, self_signed_tls_client_auth, none"
	if len(r.NotRun) != 1 || r.NotRun[0].Reason != want {
		t.Errorf("got %v", r.NotRun)
	}
	// Two clients that every examination makes, and one for each of five methods.
	if got := host.Stats(); got["register"] != 7 || got["token"] != 9 || got["registration"] != 7 {
		t.Errorf("got %v, want seven clients, a token request of each, and two of a client that there is not", got)
	}
	for fault, method := range map[string]string{"basic-refused": "client_secret_basic", "post-refused": "client_secret_post", "secret-jwt-refused": "client_secret_jwt",
		"key-jwt-refused": "private_key_jwt", "public-refused": "none",
		"certificate-refused": "self_signed_tls_client_auth", "certificate-vetted": "self_signed_tls_client_auth"} {
		if r, _ := try(t, func(o *doctor.Options) { o.Only = []string{"A45"} }, fault); len(r.Findings) != 1 || r.Findings[0].Where != method {
			t.Errorf("%s: got %v, want %s alone", fault, r.Findings, method)
		}
	}
	// Where any secret is believed, only a certificate shows anything.
	r, _ = try(t, func(o *doctor.Options) { o.Only = []string{"A45"} }, "any-secret")
	if len(r.NotRun) != 1 || !strings.HasSuffix(r.NotRun[0].Reason, "; taken as they should be: self_signed_tls_client_auth") || !strings.Contains(r.NotRun[0].Reason, ", none (a client that there is not gets the same answer: ") {
		t.Errorf("got %s and %v", ids(r), r.NotRun)
	}
	// With a certificate of the user's each is tried, and its subject compared.
	r, _ = try(t, func(o *doctor.Options) { o.Only, o.Active.Own = []string{"A45", "A46"}, vouchedFor(t) })
	if len(r.Passed) != 2 {
		t.Errorf("got %s and %v, want none", ids(r), r.NotRun)
	}
	if r, _ = try(t, func(o *doctor.Options) { o.Only, o.Active.Own = []string{"A46"}, vouchedFor(t) }, "certificate-any"); len(r.Findings) != 2 {
		t.Errorf("got %v, want one for each method", r.Findings)
	}
	// Where nothing is listed, it is client_secret_basic (RFC 8414 2).
	if r, _ = try(t, func(o *doctor.Options) { o.Only = []string{"A45"} }, "no-client-auth"); len(r.Passed) != 1 {
		t.Errorf("got %s and %v, want none", ids(r), r.NotRun)
	}
}

// A stranger's provider is sent so many requests and no more, all told, and the
// clients are deleted all the same.
func TestActiveIsBounded(t *testing.T) {
	t.Parallel()
	r, host := try(t, func(o *doctor.Options) { o.Active.Most = 0 })
	n, got := 0, host.Stats()
	for name, count := range got {
		if !strings.HasPrefix(name, "token ") && !slices.Contains([]string{"discovery", "jwks"}, name) {
			n += count
		}
	}
	// The look before it asks the authorization endpoint once.
	if n-1 > trial.MostRequests || n < trial.MostRequests-10 {
		t.Errorf("%d requests, want at most %d: %v", n-1, trial.MostRequests, got)
	}
	if r.Left != nil {
		t.Errorf("left behind: %v", r.Left)
	}
	if !slices.ContainsFunc(r.NotRun, func(n doctor.NotRun) bool { return strings.Contains(n.Reason, "choose checks with --only") }) {
		t.Errorf("got %v, want some that were not tried", r.NotRun)
	}
}

// Nobody signs in: those checks are not run, and say so.
func TestActiveWithoutAPerson(t *testing.T) {
	t.Parallel()
	r, _ := try(t, func(o *doctor.Options) { o.Active.Agent = nil })
	n := 0
	for _, not := range r.NotRun {
		if strings.HasPrefix(not.Check.ID, "L") && strings.Contains(not.Reason, "nobody signs in") {
			n++
		}
	}
	if n < 10 || slices.ContainsFunc(r.Passed, func(k *check.Check) bool { return k.ID[0] == 'L' }) {
		t.Errorf("%d were not run: %v", n, r.NotRun)
	}
}

// A dry run tells every request and sends none of them.
func TestDryRun(t *testing.T) {
	t.Parallel()
	var lines []string
	_, host := try(t, func(o *doctor.Options) {
		o.Active.Most, o.Active.Dry = 0, func(line string) { lines = append(lines, line) }
	})
	all := strings.Join(lines, "\n")
	for _, want := range []string{"POST https://op.example/register", "GET https://op.example/authorize?", "POST https://op.example/token", "DELETE https://op.example/register/CLIENT-ID", "javascript:alert"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not told", want)
		}
	}
	if got := host.Stats(); got["register"]+got["token"]+got["registration"]+got["login"] > 0 || got["authorize"] > 1 {
		t.Errorf("a dry run sent %v", got)
	}
	// 65 seconds of a stranger's provider, and no more.
	if len(lines) > 130 {
		t.Errorf("%d requests, want at most 130", len(lines))
	}
}

// The provider with all response types answers each as it should, which L37 sees
// by a sign-in for each and for each mode.
func TestEveryResponseTypeIsTried(t *testing.T) {
	t.Parallel()
	r, host := try(t, func(o *doctor.Options) { o.Only = []string{"L37"} }, "good-hybrid-no-hashes") // it switches them on
	if len(r.Findings) > 0 || len(r.Passed) != 1 {
		t.Errorf("got %s, passed %d, not run %v", ids(r), len(r.Passed), r.NotRun)
	}
	if got := host.Stats()["authorize"]; got < 12 {
		t.Errorf("%d authorization requests, want one for each of six types and six modes", got)
	}
}

// vouchedFor is a certificate that is not its own authority.
func vouchedFor(t *testing.T) *tls.Certificate {
	t.Helper()
	_, by, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}}
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "mine", Organization: []string{"Test"}}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, authority, public, by)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own, Leaf: leaf}
}
