package useragent

import (
	"errors"
	"net/url"

	"rely/internal/fault"
	"rely/internal/useragent/address"
)

// CheckURL gives raw back in a form that is safe as a program's argument:
// parsed, and rebuilt with everything percent-encoded that is not plain in a
// URL, quotes, dollar signs and parentheses included. It takes https, and http
// on loopback, with a host of ASCII letters.
//
// Every error is Protocol, useragent.url (RFC 3986 7.6, RFC 6749 3.1).
func CheckURL(raw string) (string, error) {
	refuse := func(err error) (string, error) {
		return "", &fault.Error{Kind: fault.Protocol, ID: "useragent.url", Op: "check the URL to open",
			Spec: "RFC 6749 3.1", Hint: "check the endpoints in the provider's metadata", Err: err}
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f {
			return refuse(errors.New("it holds a space or a control character"))
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse(errors.New("it is not a URL"))
	}
	if u, err = address.Clean(u); err != nil {
		return refuse(err)
	}
	return u.String(), nil
}
