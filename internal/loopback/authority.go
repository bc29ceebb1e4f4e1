package loopback

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

const (
	authorityLife = 2 * 365 * 24 * time.Hour
	leafLife      = 30 * 24 * time.Hour
	leafSpare     = 3 * 24 * time.Hour // renewed when less is left
	clockSlack    = time.Hour          // certificates begin this much earlier
	lockLimit     = 30 * time.Second
	maxPEM        = 64 << 10

	// A key and its certificate share a file, so that no crash can part them.
	authorityKey  = "authority.key"
	authorityCert = "authority.pem" // a copy of the certificate, for browsers
	listenerKey   = "listener.key"
)

// An Authority is the user's own certificate authority behind the https
// listener. Its name constraints (RFC 5280 4.2.1.10) make it good for
// localhost and the loopback addresses and for nothing else, so that trusting
// it gives nobody power over any other site.
type Authority struct {
	dir  string
	now  func() time.Time
	pair tls.Certificate
}

// OpenAuthority opens the authority kept in dir, or makes one when there is
// none or it has expired. dir is made with mode 0700. Several processes may do
// so at once and get the same authority.
//
// Every error is a [*fault.Error], of the kind Config for what a person can
// mend: authority.broken for a file that is not what this program writes, authority.not-yet-valid,
// authority.locked, or what package atomicfile says of a file or folder that
// other users can get at.
func OpenAuthority(dir string, now func() time.Time) (*Authority, error) {
	a := &Authority{dir: dir, now: now}
	if err := atomicfile.Folder(dir); err != nil {
		return nil, err
	}
	err := a.locked(func() error {
		atomicfile.Sweep(dir, now())
		return a.open()
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Authority) open() error {
	pair, err := a.load(authorityKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = a.create()
	case err != nil:
		return err
	case a.now().Before(pair.Leaf.NotBefore):
		return &fault.Error{Kind: fault.Config, ID: "authority.not-yet-valid", Op: "open the local authority",
			Hint: "check this computer's clock", Err: fmt.Errorf("it begins at %s", pair.Leaf.NotBefore.Format(time.RFC3339))}
	case a.now().After(pair.Leaf.NotAfter):
		err = a.create()
	default:
		a.pair = pair
		err = a.constrained()
	}
	if err != nil {
		return err
	}
	if have, err := atomicfile.ReadPrivate(a.Path(), maxPEM); err == nil && bytes.Equal(have, a.PEM()) {
		return nil
	}
	return atomicfile.Writer{}.WritePrivate(a.Path(), a.PEM())
}

// constrained refuses an authority that could speak for more than loopback:
// somebody else put it here.
func (a *Authority) constrained() error {
	c := a.pair.Leaf
	ranges := []string{}
	for _, r := range c.PermittedIPRanges {
		ranges = append(ranges, r.String())
	}
	if c.IsCA && c.MaxPathLenZero && c.PermittedDNSDomainsCritical &&
		slices.Equal(c.PermittedDNSDomains, []string{"localhost"}) && slices.Equal(ranges, []string{"127.0.0.0/8", "::1/128"}) {
		return nil
	}
	return a.broken(authorityKey, errors.New("it is not limited to this machine"))
}

func (a *Authority) create() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	// No user or host name: the certificate is shown to whoever connects.
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	c := &x509.Certificate{
		Subject:                     pkix.Name{CommonName: "rely local authority " + hex.EncodeToString(id[:])},
		NotBefore:                   a.now().Add(-clockSlack),
		NotAfter:                    a.now().Add(authorityLife),
		IsCA:                        true,
		MaxPathLenZero:              true,
		BasicConstraintsValid:       true,
		KeyUsage:                    x509.KeyUsageCertSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	a.pair, err = a.issue(authorityKey, c, c, key, key)
	return err
}

// Certificate is the listener's certificate, for localhost, 127.0.0.1 and ::1.
// It is kept in the authority's folder and renewed when less than three of its
// thirty days are left. Errors are those of [OpenAuthority].
func (a *Authority) Certificate() (*tls.Certificate, error) {
	var leaf tls.Certificate
	err := a.locked(func() error {
		var err error
		leaf, err = a.load(listenerKey)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case a.usable(leaf.Leaf):
			return nil
		}
		leaf, err = a.issueLeaf()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &leaf, nil
}

func (a *Authority) usable(leaf *x509.Certificate) bool {
	roots := x509.NewCertPool()
	roots.AddCert(a.pair.Leaf)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: a.now()}); err != nil {
			return false
		}
	}
	return leaf.NotAfter.Sub(a.now()) >= leafSpare
}

func (a *Authority) issueLeaf() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	end := a.now().Add(leafLife)
	if ca := a.pair.Leaf.NotAfter; ca.Before(end) {
		end = ca
	}
	c := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             a.now().Add(-clockSlack),
		NotAfter:              end,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	return a.issue(listenerKey, c, a.pair.Leaf, key, a.pair.PrivateKey)
}

// issue signs c and keeps it together with its key in the file name.
func (a *Authority) issue(name string, c, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.PrivateKey) (tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	c.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := append(encode("PRIVATE KEY", private), encode("CERTIFICATE", der)...)
	if err := (atomicfile.Writer{}).WritePrivate(filepath.Join(a.dir, name), text); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(text, text)
}

func (a *Authority) load(name string) (tls.Certificate, error) {
	text, err := atomicfile.ReadPrivate(filepath.Join(a.dir, name), maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return tls.Certificate{}, a.broken(name, err)
	}
	return pair, nil
}

func (a *Authority) broken(name string, err error) error {
	path := filepath.Join(a.dir, name)
	hint := "remove " + path + "; a new one is made next time"
	if name == authorityKey {
		hint += ", and trusted again with \"rely trust install\""
	}
	return &fault.Error{Kind: fault.Config, ID: "authority.broken", Op: "read " + path, Hint: hint, Err: err}
}

// locked keeps other processes from making the same files meanwhile.
func (a *Authority) locked(do func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockLimit)
	defer cancel()
	path := filepath.Join(a.dir, "authority.lock")
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "authority.locked", Op: "lock " + path,
			Hint: "check for another rely that hangs, and end it", Err: err}
	}
	defer func() { _ = lock.Close() }()
	err := do()
	if worded := (*fault.Error)(nil); err != nil && !errors.As(err, &worded) {
		err = &fault.Error{Kind: fault.Internal, ID: "authority.failed", Op: "make a certificate in " + a.dir, Err: err}
	}
	return err
}

// PEM is the authority's certificate, for a trust store.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.pair.Leaf.Raw) }

// Path is the file that holds PEM.
func (a *Authority) Path() string { return filepath.Join(a.dir, authorityCert) }

// Fingerprint is the SHA-256 of the authority's certificate in hex, as
// browsers and trust stores show it.
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.pair.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
