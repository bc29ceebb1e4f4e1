package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// IssuerRel is the relation that leads to somebody's issuer (OIDC Discovery 2).
const IssuerRel = "http://openid.net/specs/connect/1.0/issuer"

// A Finding is what WebFinger said of an identifier.
type Finding struct {
	Resource string // the identifier, normalized
	Source   string // the address that was asked
	Subject  string // whom the answer is about; empty where it does not say
	Issuer   string
}

// maxLinks bounds an answer of WebFinger.
const maxLinks = 1000

// Resource normalizes what a person typed (OIDC Discovery 2.1.2): an account,
// or an address without its fragment. host is where to ask.
func Resource(typed string) (resource, host string, err error) {
	bad := func(why string) (string, string, error) {
		return "", "", &fault.Error{Kind: fault.Usage, ID: "webfinger.resource", Op: "read the identifier", Spec: "OIDC Discovery 2.1",
			Err: fmt.Errorf("%q %s", typed, why), Hint: "write alice@example.com, acct:alice@example.com or https://example.com/alice"}
	}
	switch {
	case typed == "" || strings.ContainsFunc(typed, func(c rune) bool { return c <= ' ' || c > '~' }):
		return bad("is empty, or holds characters that no identifier has")
	case strings.HasPrefix(typed, "xri://") || strings.ContainsAny(typed[:1], "=@!+$("):
		return bad("is an XRI, which nobody uses here (2.1.1)")
	}
	if rest, isAccount := strings.CutPrefix(typed, "acct:"); isAccount {
		at := strings.LastIndex(rest, "@")
		if at < 1 || at == len(rest)-1 || strings.ContainsAny(rest[at:], "/?#") {
			return bad("is no account: it has no host behind @")
		}
		return typed, rest[at+1:], nil
	}
	if user, domain, found := cutLast(typed, "@"); found && user != "" && domain != "" && !strings.ContainsAny(typed, "/?#") && !strings.Contains(domain, ":") {
		return "acct:" + typed, domain, nil // userinfo and host alone
	}
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, parseErr := url.Parse(typed)
	if parseErr != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && wire.Loopback(u.Hostname())) {
		return bad("is no https address")
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), u.Host, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if at := strings.LastIndex(s, sep); at >= 0 {
		return s[:at], s[at+len(sep):], true
	}
	return s, "", false
}

// Finger asks the host of an identifier for the issuer of its owner (OIDC
// Discovery 2, RFC 7033). What comes back is only where to look: the issuer's
// own metadata has to agree.
func Finger(ctx context.Context, hc *wire.Client, typed string) (*Finding, error) {
	resource, host, err := Resource(typed)
	if err != nil {
		return nil, err
	}
	op := "find the issuer of " + typed
	scheme := "https"
	if strings.HasPrefix(resource, "http://") {
		scheme = "http"
	}
	ask := url.URL{Scheme: scheme, Host: host, Path: "/.well-known/webfinger", RawQuery: url.Values{"resource": {resource}, "rel": {IssuerRel}}.Encode()}
	a, err := hc.Get(ctx, op, ask.String(), "application/jrd+json, application/json", wire.Document)
	switch {
	case err != nil:
		return nil, err
	case a.Status == http.StatusNotFound:
		return nil, &fault.Error{Kind: fault.Protocol, ID: "webfinger.unknown", Op: op, Spec: "RFC 7033 4.2",
			Err: fmt.Errorf("%s does not know %s, or has no WebFinger", host, resource), Hint: "give the issuer itself, as https://op.example"}
	case a.Status != http.StatusOK:
		return nil, a.Unexpected(op)
	}
	f := &Finding{Resource: resource, Source: ask.String()}
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	_ = strictjson.Read(members["subject"], &f.Subject) // it may be another name of the same (RFC 7033 4.4.1)
	if f.Issuer, err = issuerLink(members["links"]); err == nil {
		_, err = wire.Endpoint("the issuer's link", f.Issuer, scheme+"://")
	}
	var already *fault.Error
	if errors.As(err, &already) {
		err = already.Err
	}
	if err == nil && strings.Contains(f.Issuer, "?") {
		err = fmt.Errorf("the issuer's link has a query: %q", f.Issuer)
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "webfinger.link", Op: op, Spec: "OIDC Discovery 2", Err: err,
			Hint: "have " + fault.VisibleUpTo(host, 100) + " mend its WebFinger, or give the issuer itself"}
	}
	return f, nil
}

// issuerLink is the href of the one link of our relation. A host may ignore rel
// and send all its links (RFC 7033 4.3).
func issuerLink(raw json.RawMessage) (string, error) {
	links, err := strictjson.Array(raw, maxLinks)
	if err != nil {
		return "", fmt.Errorf("its links: %w", err)
	}
	found := ""
	for _, link := range links {
		text := func(name string) (s string) {
			value, _ := strictjson.Lookup(link, name)
			_ = strictjson.Read(value, &s) // another type is no link of ours
			return s
		}
		if text("rel") != IssuerRel {
			continue
		}
		href := text("href")
		if href == "" || found != "" && found != href {
			return "", errors.New("it has an issuer link without an address, or two different ones")
		}
		found = href
	}
	if found == "" {
		return "", errors.New("it has no link to an issuer")
	}
	return found, nil
}
