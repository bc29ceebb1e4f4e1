package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

// authority is a certificate that no store has.
func authority(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "rely local authority test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRemembersWhatWasInstalled(t *testing.T) {
	t.Parallel()
	dir, one, other := filepath.Join(t.TempDir(), "authority"), authority(t), authority(t)
	if err := atomicfile.Folder(dir); err != nil {
		t.Fatal(err)
	}
	decisive, idle := "browsers", "system"
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		decisive, idle = idle, decisive
	}
	for _, step := range []struct {
		what  string
		store string
		c     *x509.Certificate
		has   bool
		want  bool // about one
	}{
		{"a store that browsers here do not read", idle, one, true, false},
		{"the one that they read", decisive, one, true, true},
		{"the other one is changed", idle, one, false, true},
		{"a new authority takes its place", decisive, other, true, false},
		{"the old one again", decisive, one, true, true},
		{"and out again", decisive, one, false, false},
	} {
		if err := Remember(dir, step.store, step.c, step.has); err != nil {
			t.Fatal(err)
		}
		if got := Remembered(dir, one); got != step.want {
			t.Errorf("%s: got %t, want %t", step.what, got, step.want)
		}
	}
	if Remembered(t.TempDir(), one) {
		t.Error("an empty folder: got true, want false")
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]int{"": 2, "system": 1, "browsers,system": 2} {
		if got, err := Named(names); err != nil || len(got) != want {
			t.Errorf("%q: got %d entries and %v, want %d", names, len(got), err, want)
		}
	}
	var f *fault.Error
	if _, err := Named("java"); !errors.As(err, &f) || f.Kind != fault.Usage {
		t.Errorf("got %v for a store that is not there, want a usage fault", err)
	}
}

// What is about to be done is said for every database there is, and saying it
// changes none.
func TestBrowserSteps(t *testing.T) {
	t.Parallel()
	if _, err := nss(); err != nil || runtime.GOOS != "linux" {
		t.Skip("it needs Linux and certutil")
	}
	o := Options{Certificate: authority(t), Path: "/authority.pem", Home: t.TempDir(), Now: time.Now()}
	if steps, err := browserSteps(o, true); err != nil || len(steps) != 2 || !strings.Contains(steps[0], "-N --empty-password") {
		t.Errorf("no database: got %q and %v, want one made and filled", steps, err)
	}
	if steps, err := browserSteps(o, false); err != nil || len(steps) != 0 {
		t.Errorf("no database: got %q and %v, want nothing to remove", steps, err)
	}
	if found, _ := os.ReadDir(o.Home); len(found) != 0 {
		t.Errorf("got %v in the home, want nothing", found)
	}
	for _, dir := range []string{".pki/nssdb", ".local/share/pki/nssdb", "snap/firefox/common/.mozilla/firefox/x.default"} {
		dir = filepath.Join(o.Home, dir)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cert9.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if steps, err := browserSteps(o, true); err != nil || len(steps) != 3 {
		t.Errorf("three databases: got %q and %v, want one step each", steps, err)
	}
	if has, err := inSystem(o); has || err != nil {
		t.Errorf("got %t and %v for a certificate that nobody has, want false", has, err)
	}
}
