package ldap

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"

	"rely/internal/secret"
)

// talk answers each request with one of the answers, and gives what was sent.
func talk(t *testing.T, use func(*Conn) error, answers ...string) (sent []string, err error) {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close()
		for _, a := range answers {
			body, err := readMessage(far)
			if err != nil {
				return
			}
			sent = append(sent, hex.EncodeToString(body))
			if raw, err := hex.DecodeString(strings.ReplaceAll(a, " ", "")); err != nil {
				panic(err)
			} else if _, err := far.Write(raw); err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := New(ctx, near)
	err = use(c)
	c.Close()
	<-done
	return sent, err
}

func bind(c *Conn) error { return c.Bind("uid=alice", secret.New("pw")) }

// TestBind holds what is sent against RFC 4511 by hand, and reads the answers
// of OpenLDAP and of Active Directory, which writes every length in four bytes.
func TestBind(t *testing.T) {
	t.Parallel()
	sent, err := talk(t, bind, "30 0c 020101 61 07 0a0100 0400 0400")
	if err != nil {
		t.Fatal(err)
	}
	want := "020101" + "6012" + "020103" + "0409" + hex.EncodeToString([]byte("uid=alice")) + "8002" + hex.EncodeToString([]byte("pw")) +
		"a01d" + "301b" + "0419" + hex.EncodeToString([]byte(passwordPolicy))
	if len(sent) != 1 || sent[0] != want {
		t.Errorf("sent\n%s, want\n%s", sent, want)
	}
	_, err = talk(t, bind, "30 84 00000018 020101 61 84 0000000f 0a0131 0400 0408 "+hex.EncodeToString([]byte("80090308")))
	var r *Result
	if !errors.As(err, &r) || r.Code != InvalidCredentials || r.Message != "80090308" || r.Name() != "invalidCredentials" || r.PolicyError() != "" {
		t.Errorf("got %v", err)
	}
}

// TestModify is the operation of RFC 3062, and a refusal with the policy's
// control (its error 6: too short).
func TestModify(t *testing.T) {
	t.Parallel()
	control := element(tagControls, element(tagSequence, element(tagOctets, []byte(passwordPolicy)), element(tagOctets, []byte{0x30, 3, 0x81, 1, 6})))
	answer := element(tagSequence, element(tagInteger, []byte{1}),
		element(tagExtendedResponse, []byte{tagEnumerated, 1, 19}, element(tagOctets), element(tagOctets, []byte("too short"))), control)
	sent, err := talk(t, func(c *Conn) error { return c.Modify(secret.New("old"), secret.New("new")) }, hex.EncodeToString(answer))
	var r *Result
	if !errors.As(err, &r) || r.Code != ConstraintViolation || !strings.Contains(r.PolicyError(), "too short") {
		t.Errorf("got %v", err)
	}
	want := "8117" + hex.EncodeToString([]byte(passwordModify)) // the name's tag is 80
	want = "8017" + want[4:] + "810c" + "300a" + "8103" + hex.EncodeToString([]byte("old")) + "8203" + hex.EncodeToString([]byte("new"))
	if len(sent) != 1 || !strings.Contains(sent[0], want) {
		t.Errorf("sent %s, want %s in it", sent, want)
	}
}

// TestHostileAnswers demands an error, and no more memory than an answer may
// have, for whatever a server sends.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"not LDAP":                "48 54 54 50",
		"endless length":          "30 84 7fffffff",
		"indefinite length":       "30 80 020101",
		"nine bytes of length":    "30 89 000000000000000001",
		"another request's":       "30 0c 020107 61 07 0a0100 0400 0400",
		"another operation's":     "30 0c 020101 78 07 0a0100 0400 0400",
		"no result":               "30 05 020101 6100",
		"cut short":               "30 0c 020101 61 07 0a0100",
		"length beyond the whole": "30 0c 020101 61 47 0a0100 0400 0400",
		"notice of disconnection": "30 0c 020100 78 07 0a0100 0400 0400",
	} {
		if _, err := talk(t, bind, answer); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestEndOfContext(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = readMessage(far)
		cancel()
	}()
	if err := bind(New(ctx, near)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEscapeDN(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"alice": "alice", " a b ": `\ a b\ `, "#1,ou=x": `\#1\,ou=x`, "a\x00\"+;<>\\": `a\00\"\+\;\<\>\\`, "\u00e4": "\u00e4"} {
		if got := EscapeDN(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzResult(f *testing.F) {
	f.Add([]byte("\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"))
	f.Add([]byte("\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00\xa0\x05\x30\x03\x04\x01\x31"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		_ = result(body, 1, tagBindResponse)
		_, _ = readMessage(bytes.NewReader(body))
	})
}
