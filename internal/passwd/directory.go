package passwd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"rely/internal/fault"
	"rely/internal/secret"
)

const (
	directorySpec  = "RFC 3062 2"
	passwordModify = "1.3.6.1.4.1.4203.1.11.1"
)

// directory is LDAP's password modify operation, over TLS, bound as the
// person.
func directory() Entry {
	return Entry{
		Name: "ldap", Help: "a directory: password modify (RFC 3062) at the ldaps:// or ldap:// address of --via-url", Family: Directory,
		Proof: "tried in the tests against OpenLDAP 2.5 with a password policy", After: "a directory has no sessions; a provider in front of it may have",
		Params: []Param{{"dn", "name of the person's entry; {username} stands for the user name", "uid={username}"}},
		Change: directoryChange,
		Verify: func(ctx context.Context, a *Account) error {
			c, err := bind(ctx, a, a.New)
			if err == nil {
				_ = c.Close()
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
	unreached := func(err error) error {
		return &fault.Error{Kind: fault.Network, ID: "passwd.directory", Op: what, Err: fmt.Errorf("%s was not reached over TLS: %w", u.Host, plain(err)),
			Hint: "check --via-url, and --ca-cert for the directory's certificate"}
	}
	c, err := dial(ctx, a, u, config)
	if err != nil {
		return nil, unreached(err)
	}
	if u.Scheme == "ldap" {
		if err := c.StartTLS(config); err != nil {
			_ = c.Close()
			return nil, unreached(err)
		}
	}
	_, err = c.SimpleBind(ldap.NewSimpleBindRequest(a.dn(), password.Reveal(), []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
	if err != nil {
		_ = c.Close()
		return nil, directoryRefused(err, wrongOld)
	}
	return c, nil
}

func dial(ctx context.Context, a *Account, u *url.URL, config *tls.Config) (*ldap.Conn, error) {
	limit := a.HTTP.Timeout
	if limit <= 0 {
		limit = 30 * time.Second
	}
	if deadline, ok := ctx.Deadline(); ok && a.HTTP.Now != nil {
		limit = min(limit, deadline.Sub(a.HTTP.Now()))
	}
	c, err := ldap.DialURL(u.Scheme+"://"+u.Host, ldap.DialWithDialer(&net.Dialer{Timeout: limit}), ldap.DialWithTLSConfig(config))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(limit)
	context.AfterFunc(ctx, func() { _ = c.Close() }) // Ctrl-C ends a wait
	return c, nil
}

func directoryChange(ctx context.Context, a *Account) (string, error) {
	c, err := bind(ctx, a, a.Old)
	if err != nil {
		return "", err
	}
	defer c.Close()
	// The bound person's own: userIdentity is left out. Some directories demand
	// the old password here as well (pwdSafeModify).
	value := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	value.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, a.Old.Reveal(), ""))
	value.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 2, a.New.Reveal(), ""))
	r := ldap.NewExtendedRequest(passwordModify, value)
	r.Controls = []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}
	if _, err = c.Extended(r); err != nil {
		return "", directoryRefused(err, other)
	}
	return "", nil
}

// directoryRefused words a result code, with what the password policy's
// control adds to it.
func directoryRefused(err error, what reason) error {
	var e *ldap.Error
	if !errors.As(err, &e) || e.ResultCode >= ldap.ErrorNetwork {
		return &fault.Error{Kind: fault.Network, ID: "passwd.directory", Op: op, Err: plain(err), Hint: "try again; whether the password was changed, a sign-in tells"}
	}
	r := refusal{code: fmt.Sprintf("%d %s", e.ResultCode, ldap.LDAPResultCodeMap[e.ResultCode]), what: what}
	if e.Err != nil && e.Err.Error() != "" {
		r.words = e.Err.Error()
	}
	switch e.ResultCode {
	case ldap.LDAPResultInvalidCredentials:
		r.what = wrongOld
		if r.words == "" {
			r.words = "wrong user name or password, or the account is locked"
		}
	case ldap.LDAPResultUnwillingToPerform:
		r.what = wrongOld
	case ldap.LDAPResultConstraintViolation:
		r.what = policy
	case ldap.LDAPResultInsufficientAccessRights:
		r.what = other
	}
	if p := policyControl(e.Packet); p != nil && p.Error >= 0 {
		r.unmet = append(r.unmet, p.ErrorString)
		if p.Error == ldap.BeheraPasswordTooYoung {
			r.what = early
		}
	}
	return r.fault(directorySpec, 0)
}

// policyControl finds the policy's control behind a result (draft-behera-ldap-
// password-policy 9). go-ldap gives an error the whole message.
func policyControl(message *ber.Packet) *ldap.ControlBeheraPasswordPolicy {
	if message == nil || len(message.Children) < 3 {
		return nil
	}
	for _, child := range message.Children[2].Children {
		if c, err := ldap.DecodeControl(child); err == nil {
			if p, ok := c.(*ldap.ControlBeheraPasswordPolicy); ok {
				return p
			}
		}
	}
	return nil
}

// plain drops the library's wrapping.
func plain(err error) error {
	var e *ldap.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}
