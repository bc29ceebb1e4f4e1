package passwd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/passwd/ldap"
	"rely/internal/secret"
)

const directorySpec = "RFC 3062 2"

// directory is LDAP's password modify operation, over TLS, bound as the
// person.
func directory() Entry {
	return Entry{
		Name: "ldap", Help: "a directory: password modify (RFC 3062) at the ldaps:// or ldap:// address of --via-url", Family: Directory,
		Proof: "tried in the tests against OpenLDAP 2.5 with a password policy", After: "a directory has no sessions; a provider in front of it may have",
		Params: []Param{{"dn", "name of the person's entry; {username} stands for the user name", "uid={username}"}},
		Change: directoryChange,
		Verify: func(ctx context.Context, a *Account) error {
			ctx, cancel := bounded(ctx, a)
			defer cancel()
			c, err := bind(ctx, a, a.New)
			if err == nil {
				c.Close()
			}
			return err
		},
	}
}

// dn is the name of the person's entry, the user name escaped.
func (a *Account) dn() string {
	return strings.ReplaceAll(a.Param["dn"], "{username}", ldap.EscapeDN(a.Username))
}

// bind connects over TLS and proves who the person is. A server without TLS is
// left before anything is sent.
func bind(ctx context.Context, a *Account, password secret.String) (*ldap.Conn, error) {
	const what = "bind to the directory"
	u, err := url.Parse(a.Base)
	if err != nil || u.Host == "" || u.Scheme != "ldaps" && u.Scheme != "ldap" {
		return nil, &fault.Error{Kind: fault.Usage, ID: "passwd.no-address", Op: what, Err: fmt.Errorf("%q is no ldaps:// or ldap:// address", a.Base),
			Hint: "give the directory's address with --via-url, as ldaps://ldap.example"}
	}
	config, err := a.TLS()
	if err != nil {
		return nil, err
	}
	config.ServerName = u.Hostname()
	c, err := dial(ctx, u, config)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Network, ID: "passwd.directory", Op: what, Err: fmt.Errorf("%s was not reached over TLS: %w", u.Host, err),
			Hint: "check --via-url, and --ca-cert for the directory's certificate"}
	}
	if err := c.Bind(a.dn(), password); err != nil {
		c.Close()
		return nil, directoryRefused(err, wrongOld)
	}
	return c, nil
}

// dial connects over TLS, at once (ldaps) or after asking (ldap).
func dial(ctx context.Context, u *url.URL, config *tls.Config) (*ldap.Conn, error) {
	port := cmp.Or(u.Port(), map[string]string{"ldaps": "636", "ldap": "389"}[u.Scheme])
	wire, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if u.Scheme == "ldap" {
		c := ldap.New(ctx, wire)
		if err := c.StartTLS(config); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	secured := tls.Client(wire, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = wire.Close()
		return nil, err
	}
	return ldap.New(ctx, secured), nil
}

// bounded limits a conversation with a directory like an exchange over HTTP.
func bounded(ctx context.Context, a *Account) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(max(a.HTTP.Timeout, 0), 30*time.Second))
}

func directoryChange(ctx context.Context, a *Account) (string, error) {
	ctx, cancel := bounded(ctx, a)
	defer cancel()
	c, err := bind(ctx, a, a.Old)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err = c.Modify(a.Old, a.New); err != nil {
		return "", directoryRefused(err, other)
	}
	return "", nil
}

// directoryRefused words a result code, with what the password policy's
// control adds to it.
func directoryRefused(err error, what reason) error {
	var e *ldap.Result
	if !errors.As(err, &e) {
		return &fault.Error{Kind: fault.Network, ID: "passwd.directory", Op: op, Err: err, Hint: "try again; whether the password was changed, a sign-in tells"}
	}
	r := refusal{code: fmt.Sprintf("%d %s", e.Code, e.Name()), words: e.Message, what: what}
	switch e.Code {
	case ldap.InvalidCredentials:
		r.what = wrongOld
		r.words = cmp.Or(r.words, "wrong user name or password, or the account is locked")
	case ldap.UnwillingToPerform:
		r.what = wrongOld
	case ldap.ConstraintViolation:
		r.what = policy
	case ldap.InsufficientAccessRights:
		r.what = other
	}
	if words := e.PolicyError(); words != "" {
		r.unmet = append(r.unmet, words)
	}
	if e.Policy == ldap.PasswordTooYoung {
		r.what = early
	}
	return r.fault(directorySpec, 0)
}
