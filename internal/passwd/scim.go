package passwd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"rely/internal/fault"
	"rely/internal/wire"
)

const (
	scimSpec = "RFC 7644 3.5.2, 3.11"
	scimType = "application/scim+json"
)

// scim changes the password attribute of the authenticated subject. The
// standard has no member for the current password.
func scim() Entry {
	return Entry{
		Name: "scim", Help: "SCIM 2.0: PATCH /Me below --via-url", Family: Bearer, NoOld: true,
		Proof: "wire form from RFC 7644, replayed in the tests", After: untold, Change: scimChange,
	}
}

func scimChange(ctx context.Context, a *Account) (string, error) {
	if a.Base == "" {
		return "", &fault.Error{Kind: fault.Usage, ID: "passwd.no-address", Op: op, Err: fmt.Errorf("SCIM is at no address that follows from the issuer"),
			Hint: "give its base address with --via-url, as https://op.example/scim/v2"}
	}
	if err := scimAble(ctx, a); err != nil {
		return "", err
	}
	me := a.base("") + "/Me"
	answer, err := scimPatch(ctx, a, me)
	if err == nil && (answer.Status == http.StatusNotImplemented || answer.Status == http.StatusNotFound) {
		// A provider may have no alias for its own users' resources (3.11).
		var where string
		if where, err = scimSelf(ctx, a, me); err == nil {
			answer, err = scimPatch(ctx, a, where)
		}
	}
	switch {
	case err != nil:
		return "", err
	case answer.Status == http.StatusOK || answer.Status == http.StatusNoContent:
		return "", nil
	}
	return "", scimRefused(answer)
}

// scimAble asks whether the provider lets passwords be changed at all (RFC
// 7643 5). A provider that publishes nothing is asked all the same.
func scimAble(ctx context.Context, a *Account) error {
	answer, err := a.send(ctx, op, sending{method: http.MethodGet, url: a.base("") + "/ServiceProviderConfig", accept: scimType, bearer: true})
	if err != nil {
		return err
	}
	var c struct{ ChangePassword *struct{ Supported bool } }
	if answer.Status == http.StatusOK && json.Unmarshal(answer.Body, &c) == nil && c.ChangePassword != nil && !c.ChangePassword.Supported {
		return &fault.Error{Kind: fault.Denied, ID: "passwd.unsupported", Op: op, Spec: "RFC 7643 5",
			Err: fmt.Errorf("the provider says that it supports no change of passwords (changePassword.supported is false)"), Hint: "try --via well-known"}
	}
	return nil
}

func scimPatch(ctx context.Context, a *Account, where string) (*wire.Answer, error) {
	return a.send(ctx, op, sending{method: http.MethodPatch, url: where, contentType: scimType, accept: scimType, bearer: true,
		body: object(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
			"Operations": []any{map[string]any{"op": "replace", "path": "password", "value": a.New.Reveal()}}})})
}

// scimSelf finds the person's own resource.
func scimSelf(ctx context.Context, a *Account, me string) (string, error) {
	answer, err := a.send(ctx, op, sending{method: http.MethodGet, url: me, accept: scimType, bearer: true})
	if err != nil {
		return "", err
	}
	where := text(within(members(answer), "meta"), "location")
	if answer.Status != http.StatusOK || where == "" {
		return "", scimRefused(answer)
	}
	return where, a.sameHost(op, where)
}

// scimRefused reads SCIM's error (RFC 7644 3.12).
func scimRefused(answer *wire.Answer) error {
	m := members(answer)
	r := refusal{code: text(m, "scimType"), words: text(m, "detail")}
	switch {
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		r.what = scope
	case r.code == "invalidValue" || strings.Contains(strings.ToLower(r.words), "password"):
		r.what = policy
	}
	return r.fault(scimSpec, answer.Status)
}
