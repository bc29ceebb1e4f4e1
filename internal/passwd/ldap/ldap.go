// Package ldap is as much of LDAP as changing a password takes: StartTLS, a
// simple bind, and the password modify operation, each with the control of the
// password policy (RFC 4511, RFC 3062, draft-behera-ldap-password-policy). One
// request is under way at a time.
package ldap

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"rely/internal/secret"
)

const (
	startTLS       = "1.3.6.1.4.1.1466.20037"
	passwordModify = "1.3.6.1.4.1.4203.1.11.1"
	passwordPolicy = "1.3.6.1.4.1.42.2.27.8.5.1"
)

// A Conn is a connection to a directory. Its context ends every wait.
type Conn struct {
	ctx  context.Context
	wire net.Conn
	id   int
}

// New wraps a connection that is there; the end of ctx closes it.
func New(ctx context.Context, wire net.Conn) *Conn {
	context.AfterFunc(ctx, func() { _ = wire.Close() })
	return &Conn{ctx: ctx, wire: wire}
}

// Close closes the connection, which ends a session as saying so does (RFC
// 4511 5.3).
func (c *Conn) Close() { _ = c.wire.Close() }

// StartTLS goes on over TLS (RFC 4511 4.14). Errors are those of [Conn.Bind],
// and of the handshake.
func (c *Conn) StartTLS(config *tls.Config) error {
	request := element(tagExtendedRequest, element(tagContext0, []byte(startTLS)))
	if err := c.exchange(request, tagExtendedResponse, false); err != nil {
		return err
	}
	wire := tls.Client(c.wire, config)
	if err := wire.HandshakeContext(c.ctx); err != nil {
		return err
	}
	c.wire = wire
	return nil
}

// Bind proves who the person is (RFC 4511 4.2). The error is a [*Result] where
// the directory said no, and otherwise one of the connection.
func (c *Conn) Bind(dn string, password secret.String) error {
	request := element(tagBindRequest, element(tagInteger, []byte{3}), element(tagOctets, []byte(dn)),
		element(tagContext0, []byte(password.Reveal())))
	return c.exchange(request, tagBindResponse, true)
}

// Modify changes the bound person's own password: userIdentity is left out (RFC
// 3062 2). Some directories demand the old password here as well (pwdSafeModify).
// Errors are those of [Conn.Bind].
func (c *Conn) Modify(old, fresh secret.String) error {
	value := element(tagSequence, element(tagContext1, []byte(old.Reveal())), element(tagContext2, []byte(fresh.Reveal())))
	request := element(tagExtendedRequest, element(tagContext0, []byte(passwordModify)), element(tagContext1, value))
	return c.exchange(request, tagExtendedResponse, true)
}

// exchange sends one request and reads its answer.
func (c *Conn) exchange(request []byte, answer byte, policy bool) error {
	c.id++
	_, err := c.wire.Write(message(c.id, request, policy))
	var body []byte
	if err == nil {
		body, err = readMessage(c.wire)
	}
	switch {
	case err != nil && c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case err != nil:
		return err
	}
	return result(body, c.id, answer)
}

// message is a whole LDAPMessage (RFC 4511 4.1.1), with the policy's control
// where its answer is wanted; it is not critical, so that a directory without
// policies ignores it.
func message(id int, request []byte, policy bool) []byte {
	parts := [][]byte{element(tagInteger, []byte{byte(id)}), request}
	if policy {
		parts = append(parts, element(tagControls, element(tagSequence, element(tagOctets, []byte(passwordPolicy)))))
	}
	return element(tagSequence, parts...)
}

// EscapeDN writes a value so that it stays one value of a name (RFC 4514 2.4).
func EscapeDN(value string) string {
	var b strings.Builder
	for i, r := range value {
		first, last := i == 0, i == len(value)-1
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`"+,;<>\`, r), r == ' ' && (first || last), r == '#' && first:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// A Result is what a directory says where it does not do what was asked (RFC
// 4511 4.1.9).
type Result struct {
	Code    int
	Message string // its own words; may be empty
	Policy  int    // error of the password policy's control; below zero: none
}

func (r *Result) Error() string {
	return fmt.Sprintf("%d %s: %s", r.Code, r.Name(), r.Message)
}
