package cmd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rely/internal/useragent/qrcode"
)

// condition knows [ipv6]: this machine has ::1.
func condition(name string) (bool, error) {
	if name != "ipv6" {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	l, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		_ = l.Close()
	}
	return err == nil, nil
}

// exampleHere is a network in which every host below .example is this machine.
func exampleHere(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".example.com") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// certificate makes a certificate of the user's own: certificate HOST CERT KEY
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: args[:1], NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func TestForwardLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		redirect, connection, user, want string
	}{
		"both ends are known":         {"https://127.0.0.1:8910/callback", "192.0.2.7 50000 198.51.100.9 22", "ada", "ssh -L 8910:127.0.0.1:8910 ada@198.51.100.9"},
		"another port":                {"https://127.0.0.1:8910/callback", "192.0.2.7 50000 198.51.100.9 2222", "ada", "ssh -p 2222 -L 8910:127.0.0.1:8910 ada@198.51.100.9"},
		"IPv6":                        {"http://[::1]:8910/", "2001:db8::7 50000 2001:db8::9 22", "ada", "ssh -L 8910:[::1]:8910 ada@2001:db8::9"},
		"a user that needs quotes":    {"https://localhost:8910/", "192.0.2.7 50000 198.51.100.9 22", "$(id)", "ssh -L 8910:127.0.0.1:8910 198.51.100.9"},
		"a user that looks an option": {"https://localhost:8910/", "192.0.2.7 50000 198.51.100.9 22", "-oProxyCommand=id", "ssh -L 8910:127.0.0.1:8910 198.51.100.9"},
		"an address that is none":     {"https://127.0.0.1:8910/", "a b $(id) d", "ada", "ssh -L 8910:127.0.0.1:8910 HOST"},
		"a port that is none":         {"https://127.0.0.1:8910/", "192.0.2.7 50000 198.51.100.9 ;id", "ada", "ssh -L 8910:127.0.0.1:8910 ada@198.51.100.9"},
		"only SSH_TTY is set":         {"https://127.0.0.1:8910/", "", "ada", "ssh -L 8910:127.0.0.1:8910 HOST"},
	} {
		env := map[string]string{"SSH_CONNECTION": c.connection, "USER": c.user}
		if got := forward(c.redirect, func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestQRFitsOrIsLeftOut(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("https://op.example/authorize?", 10)
	blocks := qrcode.Draw(text, qrcode.Blocks, 0)
	wide := len([]rune(strings.SplitN(blocks, "\n", 2)[0]))
	if rows := strings.Count(blocks, "\n"); rows != (wide+1)/2 {
		t.Errorf("got %d rows for %d columns, want half as many", rows, wide)
	}
	for name, c := range map[string]struct {
		style, columns int
		fits           bool
	}{
		"as wide as it is":      {qrcode.Blocks, wide, true},
		"a column too narrow":   {qrcode.Blocks, wide - 1, false},
		"ASCII takes two each":  {qrcode.ASCII, 2 * wide, true},
		"and does not fit then": {qrcode.ASCII, 2*wide - 1, false},
	} {
		if got := qrcode.Draw(text, c.style, c.columns); (got != "") != c.fits {
			t.Errorf("%s: got a code: %t, want %t", name, got != "", c.fits)
		}
	}
}
