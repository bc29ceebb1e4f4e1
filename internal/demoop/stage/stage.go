// Package stage puts the embedded provider before an audience: the TLS of its
// listener, and for "rely doctor" a public host, https://op.example, that
// exists in this process alone. It serves this machine only.
package stage

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"time"

	"rely/internal/demoop"
)

// Issuer is the public host's name.
const Issuer = "https://op.example"

// TLS is the configuration of an https listener with this certificate, as good
// as it should be but for the faults of these names.
func TLS(cert tls.Certificate, faults []string) (*tls.Config, error) {
	// Clients may prove themselves with a certificate (RFC 8705); nobody has to.
	c := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}
	for _, f := range demoop.Faults() {
		if f.TLS != nil && slices.Contains(faults, f.Name) {
			if err := f.TLS(c); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// A Stage is a public host with the provider on it.
type Stage struct {
	*demoop.Server
	Authority []byte // in PEM form: who signed the host's certificate

	ports map[string]string // host:port of the network to where it really is
	http  []*http.Server
}

// Open starts it; Issuer in o is overwritten. Errors are those of
// [demoop.New], of the network, and of the random source.
func Open(ctx context.Context, o demoop.Options) (*Stage, error) {
	o.Issuer = Issuer
	s := &Stage{ports: map[string]string{}}
	var err error
	if s.Server, err = demoop.New(o); err != nil {
		return nil, err
	}
	cert, err := s.certificate(o.Now())
	if err != nil {
		return nil, err
	}
	c, err := TLS(cert, o.Faults)
	if err != nil {
		return nil, err
	}
	return s, errors.Join(s.serve(ctx, "op.example:443", c, o.Faults), s.plain(ctx, o.Faults))
}

// plain serves http as well, where a fault says so. A good host has that port
// closed.
func (s *Stage) plain(ctx context.Context, faults []string) error {
	for _, f := range demoop.Faults() {
		if f.Plain && slices.Contains(faults, f.Name) {
			return s.serve(ctx, "op.example:80", nil, faults)
		}
	}
	return nil
}

func (s *Stage) serve(ctx context.Context, name string, c *tls.Config, faults []string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.ports[name] = l.Addr().String()
	if c != nil {
		l = tls.NewListener(l, c)
	}
	server := &http.Server{Handler: s.front(faults), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.http = append(s.http, server)
	go func() { _ = server.Serve(l) }()
	return nil
}

// front is what a public host adds to every answer.
func (s *Stage) front(faults []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		for _, f := range demoop.Faults() {
			if f.Front != nil && slices.Contains(faults, f.Name) {
				f.Front(w.Header())
			}
		}
		s.ServeHTTP(w, r)
	})
}

// Dial leads to the stage, and nowhere else.
func (s *Stage) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, there := s.ports[address]
	if !there {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: nothing listens there", address)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

// Stop ends it.
func (s *Stage) Stop() {
	s.Close()
	for _, server := range s.http {
		_ = server.Close()
	}
}

// certificate makes an authority, and the host's certificate.
func (s *Stage) certificate(now time.Time) (tls.Certificate, error) {
	make := func(template, parent *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		if by == nil {
			by = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		return der, key, err
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of op.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 3, 0)}
	der, key, err := make(root, root, nil)
	if err != nil {
		return tls.Certificate{}, err
	}
	s.Authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "op.example"}, DNSNames: []string{"op.example"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 2, 0)}
	der, own, err := make(leaf, root, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}, err
}
