package passwd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

const op = "change the password"

// most is the largest answer that is read, in bytes.
const most = 1 << 20

// A sending is one request to a provider's interface.
type sending struct {
	method, url string
	contentType string
	accept      string
	header      map[string]string
	bearer      bool
	body        []byte // wiped once it is sent
}

// send makes one request, once. Passwords go to https alone, loopback aside,
// and no redirect is followed.
func (a *Account) send(ctx context.Context, what string, s sending) (*wire.Answer, error) {
	defer clear(s.body)
	u, err := url.Parse(s.url)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && wire.Loopback(u.Hostname())) {
		return nil, &fault.Error{Kind: fault.Usage, ID: "passwd.address", Op: what, Err: fmt.Errorf("%q is no https address: a password is not sent there", s.url),
			Hint: "give the address of the provider's interface with --via-url"}
	}
	req, err := http.NewRequestWithContext(ctx, s.method, s.url, bytes.NewReader(s.body))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Usage, ID: "passwd.address", Op: what, Err: err, Hint: "check --via-url"}
	}
	req.Header.Set("Accept", "application/json")
	if s.accept != "" {
		req.Header.Set("Accept", s.accept)
	}
	if s.contentType != "" {
		req.Header.Set("Content-Type", s.contentType)
	}
	if s.bearer {
		req.Header.Set("Authorization", "Bearer "+a.Access.Reveal())
	}
	for name, value := range s.header {
		req.Header.Set(name, value)
	}
	answer, err := a.HTTP.Do(ctx, what, req, most)
	switch {
	case err != nil:
		return nil, err
	case answer.Status/100 == 3 || answer.Status == http.StatusTooManyRequests || answer.Status >= 500 && answer.Status != http.StatusNotImplemented:
		return nil, answer.Unexpected(what)
	}
	return answer, nil
}

// object encodes a body. The members are in the order of their names.
func object(members map[string]any) []byte {
	b, _ := json.Marshal(members) // text and lists of text always can be
	return b
}

// cookie is the value of the cookie of that name which an answer sets.
func cookie(answer *wire.Answer, name string) string {
	for _, c := range (&http.Response{Header: answer.Header}).Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// A refusal is what a provider said against a change.
type refusal struct {
	code  string   // its own
	words string   // its own
	unmet []string // requirements that the new password does not meet, in its words
	what  reason
}

// A reason is what a refusal comes down to.
type reason int

const (
	other    reason = iota
	wrongOld        // the current password is not the one that was sent
	policy          // the new password does not meet the rules
	scope           // the token or session does not allow it
	early           // the password was changed too short a time ago
)

// fault words a refusal: the provider's own words kept.
func (r refusal) fault(spec string, status int) error {
	f := &fault.Error{Kind: fault.Denied, ID: "passwd.refused", Op: op, Spec: spec, Hint: "ask the provider's help desk; nothing was tried twice"}
	switch r.what {
	case wrongOld:
		f.ID, f.Hint = "passwd.wrong-old", "type the current password again with care: too many wrong ones lock the account"
	case policy:
		f.ID, f.Hint = "passwd.policy", "choose another password; where the provider tells its rules, \"rely passwd --check\" shows them"
	case scope:
		f.Kind, f.ID = fault.Login, "passwd.scope"
		f.Hint = "sign in again with the scopes that the provider wants (docs/reference/passwd.md), and see that the client may have them"
	case early:
		f.ID, f.Hint = "passwd.too-young", "try again when the provider's minimum age of a password has passed"
	}
	said := strings.TrimSpace(strings.Join(slices.DeleteFunc([]string{r.code, r.words}, func(s string) bool { return s == "" }), ": "))
	switch {
	case said == "" && status > 0:
		said = fmt.Sprintf("the provider answered %d without saying why", status)
	default:
		said = "the provider answered " + said
	}
	if len(r.unmet) > 0 {
		said += " (" + strings.Join(r.unmet, "; ") + ")"
	}
	f.Err = errors.New(said)
	return f
}

// members are those of an answer's body; an answer that is no JSON object
// has none.
func members(answer *wire.Answer) map[string]json.RawMessage {
	m, err := strictjson.Object(answer.Body)
	if err != nil {
		return nil
	}
	return m
}

// text is a member that is a string; empty where it is anything else.
func text(m map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// within is a member that is an object; nil where it is anything else.
func within(m map[string]json.RawMessage, name string) map[string]json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(m[name], &o) != nil {
		return nil
	}
	return o
}
