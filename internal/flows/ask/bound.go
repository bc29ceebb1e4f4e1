package ask

import (
	"cmp"
	"encoding/json"
	"fmt"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/strictjson"
)

// Proven is what the client proved to hold with a token request, and what its
// tokens are to be bound to.
type Proven struct {
	Key         string // thumbprint of the key that signed the proof (RFC 9449 6.1); empty where there was none
	Certificate string // x5t#S256 of the one that was shown (RFC 8705 3.1); empty where there was none
	Wanted      bool   // the client is registered for tokens bound to its certificate (RFC 8705 3.4)
}

// A confirmation is the claim cnf (RFC 7800 3.1) as far as a client can compare
// it.
type confirmation struct{ certificate, key string }

func confirmed(members map[string]json.RawMessage) confirmation {
	var c confirmation
	for name, into := range map[string]*string{"x5t#S256": &c.certificate, "jkt": &c.key} {
		if value, there := strictjson.Lookup(members["cnf"], name); there {
			_ = strictjson.Read(value, into) // what is no string names nothing
		}
	}
	return c
}

// checkCertificate and checkKey look into an access token that is a JWT. One
// that says nothing may still be bound, in a way that the provider and its
// resources know of (RFC 8705 3, RFC 9449 6): that is told, and
// "rely introspect" can tell more.
func checkCertificate(_ *Ask, got Answer) finding {
	p := got.Proven
	return bound(got, "the certificate", confirmation.ofCertificate, p.Certificate, p.Wanted && p.Certificate != "")
}

func checkKey(_ *Ask, got Answer) finding {
	return bound(got, "the key", confirmation.ofKey, got.Proven.Key, got.Proven.Key != "")
}

func (c confirmation) ofCertificate() string { return c.certificate }
func (c confirmation) ofKey() string         { return c.key }

func bound(got Answer, what string, of func(confirmation) string, own string, wanted bool) finding {
	if got.Members == nil {
		return finding{} // what came through the browser is bound to nothing
	}
	f := finding{expected: cmp.Or(own, "none"), actual: "the access token cannot be read", status: idtoken.Skipped}
	c, err := idtoken.Decode(got.Access)
	switch {
	case err != nil && wanted:
		return f
	case err != nil:
		return finding{}
	}
	return compare(what, of(confirmed(c.All)), own, wanted, idtoken.Noted)
}

// compare holds what cnf names against what was proven. missing is what it is
// when nothing is named though it was wanted.
func compare(what, named, own string, wanted bool, missing idtoken.Status) finding {
	f := finding{expected: own, actual: named, status: idtoken.Passed}
	switch {
	case named == "" && !wanted:
		return finding{}
	case named == "":
		f.actual, f.status = "none", missing
		f.err = fmt.Errorf("cnf does not name %s that was proven: the token is bound to nothing that can be seen", what)
	case own == "": // somebody else's to prove, in an exchange for one
		f.expected, f.status = "none was proven", idtoken.Noted
	case named != own:
		f.status, f.err = idtoken.Failed, fmt.Errorf("cnf names %s %s, and the one that was proven is %s: the token is of no use here", what, fault.VisibleUpTo(named, 100), own)
	}
	return f
}

// Introspected compares the answer to an introspection with what the client
// proves: there a binding has to stand (RFC 8705 3.2, RFC 9449 6.2). The error
// is Protocol.
func Introspected(members map[string]json.RawMessage, p Proven) ([]idtoken.Rung, error) {
	var rungs []idtoken.Rung
	var first error
	is := confirmed(members)
	for _, one := range []struct {
		name, spec string
		finding
	}{
		{"bound-certificate", "RFC 8705 3.2", compare("the certificate", is.certificate, p.Certificate, p.Wanted && p.Certificate != "", idtoken.Failed)},
		{"bound-key", "RFC 9449 6.2", compare("the key", is.key, p.Key, p.Key != "", idtoken.Failed)},
	} {
		if one.status == "" || string(members["active"]) != "true" {
			continue
		}
		rungs = append(rungs, idtoken.Rung{Name: one.name, Spec: one.spec, Expected: one.expected, Actual: one.actual, Status: one.status})
		if one.status == idtoken.Failed && first == nil {
			first = &fault.Error{Kind: fault.Protocol, ID: "introspection." + one.name, Op: "compare what the token is bound to", Spec: one.spec, Err: one.err,
				Hint: "have the provider bind this client's tokens to what it proves, and say so in cnf"}
		}
	}
	return rungs, first
}
