package alone

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/wire"
)

// The methods of RFC 8705.
const (
	tlsClient  = "tls_client_auth"
	selfSigned = "self_signed_tls_client_auth"
)

// nobody is a client that there is not.
const nobody = "rely-doctor-no-such-client"

// certificates are about clients that prove themselves in TLS.
func certificates() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A46", Name: "certificate-compared", Title: "who proves itself with another certificate than the registered one, or with one that nobody vouches for, is refused", Stage: "client", Severity: check.Error, Section: "RFC 8705 2.1, 2.2",
			Why:     "Anybody can make a certificate with any name in it: it would be any client.",
			Fix:     "compare the certificate with those of the client's jwks; for tls_client_auth check who signed it, and then its subject",
			Unknown: "Each client shows a wrong certificate once. That the subject is compared is seen with a certificate that an authority signed: --tls-client-cert FILE."}, Run: certificateCompared},
	}
}

// certified is a client that is registered for a certificate: one that the
// doctor makes, or for tls_client_auth the user's.
func certified(ctx context.Context, p *trial.Patient, method, name string) (credentials, error) {
	own, keys, err := p.Certificate()
	if err != nil {
		return credentials{}, err
	}
	more := map[string]any{"token_endpoint_auth_method": method}
	if method == selfSigned {
		more["jwks"] = keys
		return registered(ctx, p, name, own, more)
	}
	if p.Own != nil {
		own = p.Own
	}
	more["tls_client_auth_subject_dn"] = own.Leaf.Subject.String()
	return registered(ctx, p, name, own, more)
}

func registered(ctx context.Context, p *trial.Patient, name string, shows *tls.Certificate, more map[string]any) (credentials, error) {
	has := credentials{shows: shows}
	has.Now, has.Certificate = p.Now, true
	c, err := p.Another(ctx, name, more)
	if err == nil {
		err = has.of(c, more["token_endpoint_auth_method"].(string))
	}
	return has, err
}

// minds is Trusts, and that a client that there is not gets another answer: a
// provider that looks at the code before the client would seem to believe
// anybody.
func minds(ctx context.Context, p *trial.Patient) error {
	err := p.Trusts(ctx)
	if err != nil {
		return err
	}
	a, err := answerToNobody(ctx, p)
	if err == nil && p.Dry == nil && a.Status/100 != 2 && p.Believed(a) {
		err = fmt.Errorf("a client that there is not gets the same answer: %s", trial.Described(a))
	}
	return err
}

// answerToNobody is what a client that there is not gets for a code that there
// is not, asked for once.
func answerToNobody(ctx context.Context, p *trial.Patient) (*wire.Answer, error) {
	if a, there := p.Kept[nobody].(*wire.Answer); there {
		return a, nil
	}
	a, err := p.Ask(ctx, "token_endpoint", trial.Junk(), trial.Basic(&registration.Client{ID: nobody}, "no-secret-0123456789abcdef"))
	if err == nil {
		p.Kept[nobody] = a
	}
	return a, err
}

// believesAnybody reports whether a client that there is not gets what one gets
// that is believed, where certificates are shown.
func believesAnybody(ctx context.Context, p *trial.Patient, control error) bool {
	a, err := stranger(ctx, p)
	return err == nil && p.Dry == nil && proven(p, control, a)
}

// stranger is what a client that there is not gets there, without a certificate.
func stranger(ctx context.Context, p *trial.Patient) (a *wire.Answer, err error) {
	if a, there := p.Kept["stranger"].(*wire.Answer); there {
		return a, nil
	}
	form := trial.Junk()
	form.Set("client_id", nobody)
	err = p.Showing(nil, func() error { a, err = p.Ask(ctx, "token_endpoint", form, nil); return err })
	if err == nil {
		p.Kept["stranger"] = a
	}
	return a, err
}

// brokenOff judges a connection that came to nothing when a certificate was
// shown: it is about the certificate where there is an answer without one.
func brokenOff(ctx context.Context, p *trial.Patient, method string, trouble error) (why string) {
	if _, err := stranger(ctx, p); err != nil || method != selfSigned {
		return trouble.Error()
	}
	p.Found(method, "the connection comes to nothing when a client shows the certificate that it is registered for, and is well without one: "+trouble.Error(), "invalid_grant, for a code that there is not")
	return ""
}

// unvouched is what a client of tls_client_auth gets that shows a certificate
// which nobody vouches for, tried once; made reports whether there is one.
func unvouched(ctx context.Context, p *trial.Patient) (a *wire.Answer, made bool, err error) {
	type outcome struct {
		a    *wire.Answer
		made bool
		err  error
	}
	if o, there := p.Kept["unvouched"].(outcome); there {
		return o.a, o.made, o.err
	}
	own, _, err := p.Certificate()
	if err != nil {
		return nil, false, err
	}
	c, err := registered(ctx, p, "certificate that nobody vouches for", own,
		map[string]any{"token_endpoint_auth_method": tlsClient, "tls_client_auth_subject_dn": own.Leaf.Subject.String()})
	if made = err == nil; made {
		a, err = redeem(ctx, p, tlsClient, c)
	}
	if ctx.Err() == nil {
		p.Kept["unvouched"] = outcome{a, made, err}
	}
	return a, made, err
}

// nobodyVouches says why tls_client_auth cannot be judged without a certificate
// of the user's.
func nobodyVouches(ctx context.Context, p *trial.Patient, control error) (why string, err error) {
	a, made, err := unvouched(ctx, p)
	switch {
	case ctx.Err() != nil:
		return "", err
	case !made:
		return err.Error(), nil
	case p.Dry != nil:
		return "", nil
	case err == nil && proven(p, control, a):
		return "a certificate that nobody vouches for gets the same answer as a client that is believed, which is for A46", nil
	}
	return "it is for an authority's certificate, to give with --tls-client-cert FILE; one that nobody vouches for brings: " + trial.Words(a, err), nil
}

func certificateCompared(ctx context.Context, p *trial.Patient) error {
	methods, _ := p.Evidence.List("token_endpoint_auth_methods_supported")
	own, vouched := slices.Contains(methods, selfSigned), slices.Contains(methods, tlsClient)
	if !own && !vouched {
		return errors.New("the provider lists no client authentication by certificate")
	}
	if err := p.Trusts(ctx); err != nil {
		return err
	}
	if a, err := stranger(ctx, p); err != nil {
		return err
	} else if p.Believed(a) && p.Dry == nil {
		return errors.New("a client that there is not gets the same answer as one that is believed")
	}
	var trouble error
	if own {
		trouble = otherCertificate(ctx, p)
	}
	if !vouched || ctx.Err() != nil {
		return trouble
	}
	a, made, err := unvouched(ctx, p)
	switch {
	case !made:
		return cmp.Or(trouble, err)
	case err == nil && p.Dry == nil && p.Believed(a): // a connection that is broken off is a refusal, too
		p.Found(tlsClient, "a certificate that nobody vouches for is taken at its word: "+trial.Described(a), "invalid_client")
	}
	if p.Own != nil {
		return cmp.Or(trouble, otherSubject(ctx, p))
	}
	return trouble
}

// otherCertificate shows the right certificate first: where that is not taken,
// a wrong one shows nothing.
func otherCertificate(ctx context.Context, p *trial.Patient) error {
	c, err := certified(ctx, p, selfSigned, "certificate that is compared")
	if err != nil {
		return err
	}
	a, err := redeem(ctx, p, selfSigned, c)
	if err != nil || !p.Believed(a) && p.Dry == nil {
		return errors.New(selfSigned + ": the right certificate is not taken: " + trial.Words(a, err))
	}
	if c.shows, _, err = p.Certificate(); err != nil {
		return err
	}
	a, err = redeem(ctx, p, selfSigned, c)
	if err == nil && p.Dry == nil && p.Believed(a) {
		p.Found(selfSigned, "another certificate than the registered one is taken: "+trial.Described(a), "invalid_client")
	}
	return ctx.Err()
}

// otherSubject shows the user's certificate for a client of another name.
func otherSubject(ctx context.Context, p *trial.Patient) error {
	c, err := registered(ctx, p, "subject that is compared", p.Own,
		map[string]any{"token_endpoint_auth_method": tlsClient, "tls_client_auth_subject_dn": "CN=rely-doctor.invalid"})
	if err != nil {
		return err
	}
	a, err := redeem(ctx, p, tlsClient, c)
	if err == nil && p.Dry == nil && p.Believed(a) {
		p.Found("tls_client_auth_subject_dn", "a certificate with another subject is taken: "+trial.Described(a), "invalid_client")
	}
	return ctx.Err()
}
