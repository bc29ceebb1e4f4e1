package ldap

import (
	"fmt"
	"io"

	"rely/internal/fault"
)

// Tags of the elements that are sent and read (RFC 4511, its ASN.1; all of
// them fit in one byte).
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30

	tagBindRequest      = 0x60
	tagBindResponse     = 0x61
	tagExtendedRequest  = 0x77
	tagExtendedResponse = 0x78

	tagContext0 = 0x80 // simple credentials, requestName, userIdentity
	tagContext1 = 0x81 // requestValue, oldPasswd, the policy's error
	tagContext2 = 0x82 // newPasswd
	tagControls = 0xa0
)

// element encodes one element: tag, length, contents (X.690 8.1).
func element(tag byte, contents ...[]byte) []byte {
	n := 0
	for _, c := range contents {
		n += len(c)
	}
	out := []byte{tag}
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	default: // nothing that is sent here reaches 64 KiB
		out = append(out, 0x82, byte(n>>8), byte(n))
	}
	for _, c := range contents {
		out = append(out, c...)
	}
	return out
}

// maxMessage bounds what a server may send at once.
const maxMessage = 64 << 10

const errMalformed fault.Cause = "the directory's answer is no LDAP message"

// readMessage reads one element and not a byte more: what follows the answer
// to StartTLS is the handshake, and nothing else may be in a buffer by then.
func readMessage(r io.Reader) ([]byte, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := int(head[1])
	if n >= 0x80 {
		more := make([]byte, n&0x7f) // Active Directory sends four bytes always
		if head[1] == 0x80 || len(more) > 4 {
			return nil, errMalformed
		}
		if _, err := io.ReadFull(r, more); err != nil {
			return nil, err
		}
		n = 0
		for _, b := range more {
			n = n<<8 | int(b)
		}
	}
	if head[0] != tagSequence || n > maxMessage {
		return nil, fmt.Errorf("%w of at most %d bytes", errMalformed, maxMessage)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

// next takes the first element off data.
func next(data []byte) (tag byte, contents, rest []byte, err error) {
	if len(data) < 2 {
		return 0, nil, nil, errMalformed
	}
	tag, n, at := data[0], int(data[1]), 2
	if n >= 0x80 {
		bytes := n & 0x7f
		if bytes == 0 || bytes > 4 || len(data) < 2+bytes {
			return 0, nil, nil, errMalformed
		}
		n = 0
		for _, b := range data[2 : 2+bytes] {
			n = n<<8 | int(b)
		}
		at += bytes
	}
	if n > len(data)-at {
		return 0, nil, nil, errMalformed
	}
	return tag, data[at : at+n], data[at+n:], nil
}

// want is next, for an element that has to have this tag.
func want(tag byte, data []byte) (contents, rest []byte, err error) {
	got, contents, rest, err := next(data)
	if err == nil && got != tag {
		err = errMalformed
	}
	return contents, rest, err
}

// number reads a small INTEGER or ENUMERATED.
func number(contents []byte) (int, error) {
	if len(contents) == 0 || len(contents) > 4 {
		return 0, errMalformed
	}
	n := int(int8(contents[0]))
	for _, b := range contents[1:] {
		n = n<<8 | int(b)
	}
	return n, nil
}
