package loopback

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/fault"
)

func clock() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func later(d time.Duration) func() time.Time {
	return func() time.Time { return clock().Add(d) }
}

const day = 24 * time.Hour

func openAuthority(t *testing.T, dir string, now func() time.Time) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func leafOf(t *testing.T, a *Authority) *tls.Certificate {
	t.Helper()
	c, err := a.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// named makes a certificate of somebody else's for host, trusted by roots.
func named(t *testing.T, roots *x509.CertPool, host string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{host}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestAuthoritySpeaksForLoopbackOnly(t *testing.T) {
	t.Parallel()
	a := openAuthority(t, t.TempDir(), clock)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("got no certificate in PEM")
	}
	leaf := leafOf(t, a).Leaf
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: clock()}); err != nil {
			t.Errorf("got %v for %s, want a chain", err, name)
		}
	}
	for what, change := range map[string]func(*x509.Certificate){
		"another name":      func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} },
		"one name too many": func(c *x509.Certificate) { c.DNSNames = []string{"localhost", "example.com"} },
		"another address":   func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(192, 0, 2, 1)} },
		"another use": func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage = []string{"localhost"}, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		},
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: clock(), NotAfter: clock().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		change(c)
		der, err := x509.CreateCertificate(rand.Reader, c, a.pair.Leaf, key.Public(), a.pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		forged, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := forged.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: clock(), KeyUsages: c.ExtKeyUsage}); err == nil {
			t.Errorf("%s: got a chain, want a refusal", what)
		}
	}
}

func TestAuthorityIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "authority")
	a := openAuthority(t, dir, clock)
	leaf := leafOf(t, a)
	if got, err := os.ReadFile(a.Path()); err != nil || !bytes.Equal(got, a.PEM()) {
		t.Errorf("got %s %v in %s, want PEM", got, err, a.Path())
	}
	cases := map[string]struct {
		after     time.Duration
		same, own bool // the authority, the leaf
	}{
		"at once":                       {0, true, true},
		"while the leaf is young":       {26 * day, true, true},
		"when two days are left":        {28 * day, true, false},
		"when the leaf has expired":     {40 * day, true, false},
		"just before the end":           {729 * day, true, false},
		"when the authority is expired": {731 * day, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			private(t, copied)
			b := openAuthority(t, copied, later(c.after))
			if got := b.Fingerprint() == a.Fingerprint(); got != c.same {
				t.Errorf("got the same authority: %t, want %t", got, c.same)
			}
			next := leafOf(t, b)
			if got := bytes.Equal(next.Certificate[0], leaf.Certificate[0]); got != c.own {
				t.Errorf("got the same leaf: %t, want %t", got, c.own)
			}
			if !b.now().Before(next.Leaf.NotAfter) || next.Leaf.NotAfter.After(b.pair.Leaf.NotAfter) {
				t.Errorf("got a leaf until %s, want one that is good now and within its authority", next.Leaf.NotAfter)
			}
		})
	}
	t.Run("files are private", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{authorityKey, listenerKey} {
			i, err := os.Stat(filepath.Join(dir, name))
			if err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != 0o600 {
				t.Errorf("got %v %v for %s, want 0600", i.Mode(), err, name)
			}
		}
	})
}

// private gives copied files the modes that a copy does not keep.
func private(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(dir, e.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAuthorityRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		harm func(t *testing.T, dir string)
		id   string
		unix bool
	}{
		"a broken authority": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, authorityKey), "junk") }, "authority.broken", false},
		"a broken leaf":      {func(t *testing.T, dir string) { put(t, filepath.Join(dir, listenerKey), "junk") }, "authority.broken", false},
		"an authority for more than loopback": {func(t *testing.T, dir string) {
			other := named(t, x509.NewCertPool(), "localhost")
			key, err := x509.MarshalPKCS8PrivateKey(other.PrivateKey)
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, authorityKey), string(append(encode("PRIVATE KEY", key), encode("CERTIFICATE", other.Certificate[0])...)))
		}, "authority.broken", false},
		"a key that others may read": {func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, authorityKey), 0o640); err != nil {
				t.Fatal(err)
			}
		}, "file.mode", true},
		"a folder that others may write to": {func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}, "file.mode", true},
		"a key behind a link": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, listenerKey)
			if err := errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)); err != nil {
				t.Fatal(err)
			}
		}, "file.kind", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.unix && runtime.GOOS == "windows" {
				t.Skip("no modes here")
			}
			dir := t.TempDir()
			leafOf(t, openAuthority(t, dir, time.Now))
			c.harm(t, dir)
			a, err := OpenAuthority(dir, time.Now)
			if err == nil {
				_, err = a.Certificate()
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != c.id || f.Hint == "" || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %#v, want %s that names the file and the way out", err, c.id)
			}
		})
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAuthorityAndTheClock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openAuthority(t, dir, clock)
	var f *fault.Error
	if _, err := OpenAuthority(dir, later(-day)); !errors.As(err, &f) || f.ID != "authority.not-yet-valid" {
		t.Errorf("got %v, want a word about the clock", err)
	}
}

func TestAuthorityMendsItsCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := openAuthority(t, dir, clock)
	put(t, a.Path(), "junk")
	b := openAuthority(t, dir, clock)
	if got, err := os.ReadFile(b.Path()); err != nil || !bytes.Equal(got, a.PEM()) {
		t.Errorf("got %q %v, want the authority's certificate", got, err)
	}
}

// Four processes and four goroutines make the authority at once.
func TestAuthorityIsMadeOnce(t *testing.T) {
	t.Parallel()
	const variable = "LOOPBACK_TEST_AUTHORITY"
	if dir := os.Getenv(variable); dir != "" {
		leafOf(t, openAuthority(t, dir, time.Now))
		return
	}
	dir := filepath.Join(t.TempDir(), "authority")
	authorities := make([]*Authority, 4)
	leaves := make([]*tls.Certificate, len(authorities))
	var all sync.WaitGroup
	for i := range authorities {
		all.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAuthorityIsMadeOnce$")
			c.Env = append(os.Environ(), variable+"="+dir, "GORACE=atexit_sleep_ms=0")
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("got %v: %s, want a process that opens the authority", err, out)
			}
		})
		all.Go(func() {
			var err error
			if authorities[i], err = OpenAuthority(dir, time.Now); err == nil {
				leaves[i], err = authorities[i].Certificate()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i := range authorities {
		if authorities[i].Fingerprint() != authorities[0].Fingerprint() || !bytes.Equal(leaves[i].Certificate[0], leaves[0].Certificate[0]) {
			t.Errorf("got different authorities or leaves from %d, want one", i)
		}
	}
}
