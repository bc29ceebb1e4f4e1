package passwd

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/wire"
)

// A call is the change of a password as the bearer family has it: one request
// with an access token, told as data.
type call struct {
	method      string
	base        func(a *Account) string // the provider's own; --via-url replaces it
	path        string                  // behind base; {sub} is the subject
	contentType string
	accept      string
	header      map[string]string
	inBody      bool // the token stands in the body alone
	body        func(a *Account) map[string]any
	refused     func(answer *wire.Answer) refusal
	spec        string // the document that defines the call
}

// change makes an entry's Change of a call.
func (c call) change(ctx context.Context, a *Account) (string, error) {
	answer, err := a.send(ctx, op, sending{
		method: c.method, url: a.base(c.base(a)) + strings.ReplaceAll(c.path, "{sub}", url.PathEscape(a.Subject)),
		contentType: c.contentType, accept: c.accept, header: c.header, bearer: !c.inBody, body: object(c.body(a)),
	})
	if err != nil {
		return "", err
	}
	if answer.Status == http.StatusOK || answer.Status == http.StatusNoContent {
		return said(answer), nil
	}
	r := c.refused(answer)
	if r.what == other && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden) {
		r.what = scope
	}
	return "", r.fault(c.spec, answer.Status)
}

// said is what a provider adds to a yes.
func said(answer *wire.Answer) string {
	m := members(answer)
	for _, name := range []string{"status", "state", "message"} {
		if s := text(m, name); s != "" {
			return s
		}
	}
	return ""
}

// own is a base that is the issuer's host with another path.
func own(path string) func(*Account) string {
	return func(a *Account) string { return a.origin() + path }
}

// atHost recognises a provider by the end of the issuer's host name.
func atHost(ends ...string) func(*Account) bool {
	return func(a *Account) bool {
		return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix("."+a.host(), "."+end) })
	}
}

// pair is a body of two members.
func pair(old, next string) func(*Account) map[string]any {
	return func(a *Account) map[string]any { return map[string]any{old: a.Old.Reveal(), next: a.New.Reveal()} }
}
