package check

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/wire"
)

func hosts() []*Check {
	return []*Check{
		{ID: "P60", Name: "tls-old", Title: "TLS 1.0 and 1.1 are refused",
			Stage: "reachable", Severity: Error, Section: "RFC 8996 2; FAPI 2.0 Security Profile 5.2.1",
			Why:     "Both rest on SHA-1 and MD5, and whoever stands in between can push clients down to them.",
			Fix:     "set TLS 1.2 as the least in the server or the load balancer",
			Unknown: "SSL 3 and older, which this program cannot speak; what other addresses of the same name do.",
			Run:     tlsOld},
		{ID: "P61", Name: "tls-13", Title: "TLS 1.3 is offered and chosen",
			Stage: "reachable", Severity: Warning, Section: "RFC 9325 3.1.1",
			Why: "TLS 1.3 has no weak choices left and needs one round trip less.",
			Fix: "switch TLS 1.3 on", Run: tls13},
		{ID: "P62", Name: "certificate", Title: "the certificate is for the name, trusted, strong, and good for a while yet",
			Stage: "reachable", Severity: Error, Section: "RFC 9525 6; RFC 5280; RFC 9325 4.2",
			Why:     "Clients refuse the connection. What runs out at night is noticed in the morning.",
			Fix:     "renew the certificate, and serve it with its intermediate certificates",
			Unknown: "Whether it was revoked; which authorities other machines trust.", Run: certificate},
		{ID: "P63", Name: "tls-suites", Title: "TLS 1.2 is spoken with forward secrecy and authenticated encryption alone",
			Stage: "reachable", Severity: Warning, Section: "RFC 9325 4.2; FAPI 2.0 Security Profile 5.2.2", Demands: []Demand{{"fapi2", Error}},
			Why:     "With a stolen key recorded traffic can be read where there is no forward secrecy; CBC suites have fallen to padding oracles.",
			Fix:     "allow ECDHE with AES-GCM or ChaCha20-Poly1305 for TLS 1.2, and nothing else",
			Unknown: "Suites that this program does not know (finite-field DH among them).", Run: suites},
	}
}

// each judges every host that shook hands, and skips where none did.
func (c *Case) each(judge func(h evidence.Host)) {
	reason := "the metadata names no https address"
	judged := false
	for _, h := range c.Hosts {
		if h.Err != nil {
			reason = fmt.Sprintf("no TLS handshake with %s: %v", h.Name, h.Err)
			continue
		}
		judged = true
		judge(h)
	}
	if !judged {
		c.skip("%s", reason)
	}
}

func tlsOld(c *Case) {
	tried := false
	c.each(func(h evidence.Host) {
		tried = tried || h.Old.Unknown == nil
		if h.Old.Taken {
			taken := tls.VersionName(h.Old.Version) + " is taken"
			if h.Oldest.Taken {
				taken = "TLS 1.1 and TLS 1.0 are taken"
			}
			c.found(h.Name, taken, "handshakes that fail")
		}
	})
	if !tried && c.reason == "" {
		c.skip("the handshakes came to no end")
	}
}

func tls13(c *Case) {
	c.each(func(h evidence.Host) {
		if h.Version < tls.VersionTLS13 {
			c.found(h.Name, tls.VersionName(h.Version)+" is the best", "TLS 1.3")
		}
	})
}

func suites(c *Case) {
	tried := false
	c.each(func(h evidence.Host) {
		tried = tried || h.Weak.Unknown == nil
		switch {
		case h.Weak.Taken:
			c.found(h.Name, tls.CipherSuiteName(h.Weak.Suite)+" is taken", "ECDHE with an AEAD")
		case !evidence.Strong(h.Suite):
			c.found(h.Name, tls.CipherSuiteName(h.Suite)+" is chosen", "ECDHE with an AEAD")
		}
	})
	if !tried && c.reason == "" {
		c.skip("the handshakes came to no end")
	}
}

// spare is the time that a certificate should be good for: two weeks, or a
// third of its life for the short-lived ones that a program renews.
func spare(leaf *x509.Certificate) time.Duration {
	return min(14*24*time.Hour, leaf.NotAfter.Sub(leaf.NotBefore)/3)
}

func certificate(c *Case) {
	c.each(func(h evidence.Host) {
		leaf := h.Chain[0]
		host, _, _ := net.SplitHostPort(h.Name)
		left := leaf.NotAfter.Sub(c.Now)
		switch {
		case h.Trust != nil:
			c.found(h.Name, h.Trust.Error(), "a chain that ends at an authority which is trusted here, for "+host)
		case left < spare(leaf) && !wire.Loopback(host): // a program of this machine renews its own
			c.foundAs(Warning, h.Name, fmt.Sprintf("valid until %s: %s", leaf.NotAfter.UTC().Format("2006-01-02"), fault.Count(int(left.Hours()/24), "day", "days")), "more than two weeks, or a third of its life")
		}
		if weak := weakness(leaf); weak != "" {
			c.found(h.Name, weak, "SHA-2, and RSA with 2048 or EC with 256 bits at least")
		}
	})
}

func weakness(leaf *x509.Certificate) string {
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "it is signed with " + leaf.SignatureAlgorithm.String()
	}
	switch k := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Sprintf("its key is RSA with %d bits", k.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if k.Params().BitSize < 256 {
			return fmt.Sprintf("its key is EC with %d bits", k.Params().BitSize)
		}
	}
	return ""
}
