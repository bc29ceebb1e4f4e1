package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// An issuer signs certificates in tests.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (i issuer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

// sign makes a certificate by i, or by itself where i is empty.
func (i issuer) sign(t *testing.T, c *x509.Certificate) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	by := i
	if by.cert == nil {
		by = issuer{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return issuer{c, key}
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: []string{strings.Repeat("long ", 20)}}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

func server() *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"op.example", "*.wild.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
}

// What is believed with a bundle is what crypto/tls believes with all of its
// authorities in a pool, for every chain and every name.
func TestBundleBelievesAsAPoolDoes(t *testing.T) {
	t.Parallel()
	root := issuer{}.sign(t, authority("root"))
	twin := issuer{}.sign(t, authority("root")) // of the same name, with another key
	other, stranger := issuer{}.sign(t, authority("other")), issuer{}.sign(t, authority("stranger"))
	middle := root.sign(t, authority("middle"))
	crossed := other.sign(t, authority("root")) // the name of one root, signed by another
	constrained := authority("constrained")
	constrained.PermittedDNSDomains, constrained.PermittedDNSDomainsCritical = []string{"elsewhere.example"}, true
	narrow := issuer{}.sign(t, constrained)
	old := server()
	old.NotAfter = time.Now().Add(-time.Hour)
	forClients := server()
	forClients.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	var crowd strings.Builder
	for range 5 {
		crowd.WriteString(issuer{}.sign(t, authority("one of many")).pem())
	}
	text := "# the system's\n" + crowd.String() + twin.pem() + root.pem() + other.pem() + root.pem() + narrow.pem() + "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n"
	for what, chain := range map[string][]issuer{
		"by a root":                       {root.sign(t, server())},
		"by the root of the same name":    {twin.sign(t, server())},
		"by an intermediate":              {middle.sign(t, server()), middle},
		"by one that is not shown":        {middle.sign(t, server())},
		"by one that is signed by two":    {crossed.sign(t, server()), crossed},
		"by a stranger":                   {stranger.sign(t, server())},
		"by a stranger, who shows itself": {stranger.sign(t, server()), stranger},
		"by itself":                       {issuer{}.sign(t, server())},
		"by a root for other names":       {narrow.sign(t, server())},
		"of yesterday":                    {root.sign(t, old)},
		"for clients":                     {root.sign(t, forClients)},
		"with strangers behind it":        {root.sign(t, server()), stranger, other},
	} {
		at := serving(t, chain)
		n := &Network{dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", at)
		}}
		compare := func(text, host string) {
			t.Helper()
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM([]byte(text))
			if want, got := ask(n.transport(pool), host), ask(newBundle([]byte(text)).transport(n), host); want != got {
				t.Errorf("%s, as %s: got %q, want %q", what, host, got, want)
			}
		}
		compare(strings.ReplaceAll(text, "\n", "\r\n"), "op.example")
		for _, host := range []string{"127.0.0.1", "[::1]", "op.example", "OP.EXAMPLE", "op.example.", "a.wild.example", "a.b.wild.example", "wild.example", "evil.example", "127.0.0.2"} {
			compare(text, host)
		}
	}
}

// serving is the address of a server that shows this chain.
func serving(t *testing.T, chain []issuer) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	own := tls.Certificate{PrivateKey: chain[0].key}
	for _, i := range chain {
		own.Certificate = append(own.Certificate, i.cert.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// ask is the answer, or why the server was not believed.
func ask(through http.RoundTripper, host string) string {
	resp, err := through.RoundTrip(httptest.NewRequest(http.MethodGet, "https://"+host+"/", nil))
	if err != nil {
		if refused := (*tls.CertificateVerificationError)(nil); !errors.As(err, &refused) || len(refused.UnverifiedCertificates) == 0 {
			return "no refusal of a certificate: " + err.Error()
		}
		// Which roots were tried in vain is in crypto/x509's words, and may differ.
		why, _, _ := strings.Cut(err.Error(), " (possibly because of")
		return why
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// Of a bundle only those are parsed that may have signed.
func TestBundlePool(t *testing.T) {
	t.Parallel()
	root, twin, other := issuer{}.sign(t, authority("root")), issuer{}.sign(t, authority("root")), issuer{}.sign(t, authority("other"))
	text := newBundle([]byte(other.pem() + root.pem() + twin.pem()))
	leaf := root.sign(t, server())
	for what, c := range map[string]struct {
		signed []*x509.Certificate
		want   []issuer
	}{
		"by one of two namesakes": {[]*x509.Certificate{leaf.cert}, []issuer{root, twin}},
		"with the other behind":   {[]*x509.Certificate{leaf.cert, other.cert}, []issuer{root, twin, other}},
		"by nobody here":          {[]*x509.Certificate{issuer{}.sign(t, authority("x")).cert}, nil},
	} {
		want := x509.NewCertPool()
		for _, i := range c.want {
			want.AddCert(i.cert)
		}
		if !text.pool(c.signed).Equal(want) {
			t.Errorf("%s: got other authorities than those with the name", what)
		}
	}
}

// The system's own authorities are all found by their names.
func TestSubjectsOfTheSystem(t *testing.T) {
	t.Parallel()
	seen := 0
	for rest := readBundle(); ; seen++ {
		text, after := block(rest)
		if text == nil {
			break
		}
		rest = after
		p, _ := pem.Decode(text)
		c, err := x509.ParseCertificate(p.Bytes)
		if err != nil || !bytes.Equal(subject(text), c.RawSubject) {
			t.Errorf("%s: got the name %x, %v", c.Subject, subject(text), err)
		}
	}
	if seen == 0 {
		t.Skip("this system keeps no authorities in one file")
	}
}

// A certificate that begins like one and goes on like none has no name, and is
// left to crypto/x509.
func FuzzSubject(f *testing.F) {
	for _, der := range []string{"", "0", "\x30\x80", "\x30\x84\xff\xff\xff\xff\x00", "\x30\x03\x30\x01\xa0", "\x30\x0a\x30\x08\x02\x01\x01\x30\x00\x30\x00\x30"} {
		f.Add([]byte(der))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if name := subjectIn(der); len(name) > len(der) {
			t.Error("got more than there is")
		}
		_ = subject(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	})
}
