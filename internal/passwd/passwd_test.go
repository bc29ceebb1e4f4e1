package passwd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/wire"
)

const (
	oldPassword = `old "pass" word-1`
	newPassword = "new pass/word+2"
	accessToken = "the-access-token-0123456789"
)

// An exchange is a request as the vendor's documents have it, and an answer.
type exchange struct {
	request string // METHOD URL, header lines that matter, an empty line, the body
	status  int
	header  http.Header
	answer  string
}

// A replay answers with the exchanges in turn and compares the requests.
type replay struct {
	t    *testing.T
	want []exchange
	seen int
}

func (r *replay) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.seen == len(r.want) {
		r.t.Errorf("one request too many: %s %s", req.Method, req.URL)
		return nil, errors.New("no more answers")
	}
	x := r.want[r.seen]
	r.seen++
	head, body, _ := strings.Cut(x.request, "\n\n")
	lines := strings.Split(head, "\n")
	if got := req.Method + " " + req.URL.String(); got != lines[0] {
		r.t.Errorf("got %s, want %s", got, lines[0])
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if got := req.Header.Get(name); got != value {
			r.t.Errorf("%s: header %s is %q, want %q", lines[0], name, got, value)
		}
	}
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
	}
	if string(sent) != body {
		r.t.Errorf("%s: the body is %s, want %s", lines[0], sent, body)
	}
	if x.header == nil {
		x.header = http.Header{}
	}
	return &http.Response{StatusCode: x.status, Header: x.header, Body: io.NopCloser(bytes.NewBufferString(x.answer)), Request: req}, nil
}

// account is alice at an issuer.
func account(t *testing.T, issuer string, turns ...exchange) (*Account, *replay) {
	r := &replay{t: t, want: turns}
	return &Account{Issuer: issuer, ClientID: "my-client", Subject: "sub/1", Username: "alice", Email: "alice@example.com",
		Access: secret.New(accessToken), Old: secret.New(oldPassword), New: secret.New(newPassword),
		HTTP: &wire.Client{Base: r, Now: time.Now, Sleep: func(context.Context, time.Duration) error { return nil }}}, r
}

// js is a JSON object with the two passwords under these names.
func js(old, next string) string {
	b, _ := json.Marshal(map[string]string{old: oldPassword, next: newPassword})
	return string(b)
}

// A conversation is a change at one provider and how it ends.
type conversation struct {
	via, issuer, base string
	turns             []exchange
	id                string   // of the fault; empty: it is changed
	words             []string // that the person sees
}

const cookieLine = "GLEWLWYD2_SESSION_ID=abc; Path=/; HttpOnly"

// conversations are for each provider a success, a wrong current password and
// a new one that its rules refuse.
func conversations() map[string]conversation {
	const ping = "https://auth.pingone.eu/env-1/as"
	pingRequest := "PUT https://api.pingone.eu/v1/environments/env-1/users/sub%2F1/password\nContent-Type: application/vnd.pingidentity.password.reset+json\nAuthorization: Bearer " + accessToken + "\n\n" + js("currentPassword", "newPassword")
	okta := "POST https://dev-1.okta.com/idp/myaccount/password/change-password\nAccept: application/json; okta-version=1.0.0\nAuthorization: Bearer " + accessToken + "\n\n" + js("oldPassword", "newPassword")
	graph := "POST https://graph.microsoft.com/v1.0/me/changePassword\nContent-Type: application/json\nAuthorization: Bearer " + accessToken + "\n\n" + js("currentPassword", "newPassword")
	zita := "PUT https://acme.zitadel.cloud/auth/v1/users/me/password\nAuthorization: Bearer " + accessToken + "\n\n" + js("oldPassword", "newPassword")
	fusion := "POST https://acme.fusionauth.io/api/user/change-password\nAuthorization: Bearer " + accessToken + "\n\n" + js("currentPassword", "password")
	cog := "POST https://cognito-idp.eu-west-1.amazonaws.com/\nContent-Type: application/x-amz-json-1.1\nX-Amz-Target: AWSCognitoIdentityProviderService.ChangePassword\nAuthorization: \n\n" +
		string(object(map[string]any{"AccessToken": accessToken, "PreviousPassword": oldPassword, "ProposedPassword": newPassword}))
	const pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
	const scimBase = "https://op.example/scim/v2"
	scimConfig := exchange{"GET " + scimBase + "/ServiceProviderConfig\nAuthorization: Bearer " + accessToken, 200, nil, `{"changePassword":{"supported":true}}`}
	patch := func(at string) string {
		return "PATCH " + at + "\nContent-Type: application/scim+json\nAuthorization: Bearer " + accessToken + "\n\n" +
			`{"Operations":[{"op":"replace","path":"password","value":"` + newPassword + `"}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`
	}
	glewSignIn := exchange{"POST https://localhost:9453/api/auth/\nContent-Type: application/json\n\n" + js("password", "username"), 200, http.Header{"Set-Cookie": {cookieLine}}, ""}
	glewSignIn.request = "POST https://localhost:9453/api/auth/\nContent-Type: application/json\n\n" + string(object(map[string]any{"username": "alice", "password": oldPassword}))
	glewChange := "PUT https://localhost:9453/api/profile/password\nCookie: GLEWLWYD2_SESSION_ID=abc\n\n" + string(object(map[string]any{"username": "alice", "old_password": oldPassword, "password": newPassword}))
	const glew = "https://localhost:9453/api/oidc"
	return map[string]conversation{
		"PingOne changes it":      {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 200, nil, `{"status":"OK"}`}}},
		"PingOne, wrong old":      {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 400, nil, `{"id":"1","code":"INVALID_DATA","message":"The request could not be completed.","details":[{"code":"INVALID_VALUE","target":"currentPassword","message":"The provided password did not match provisioned password."}]}`}}, id: "passwd.wrong-old", words: []string{"did not match provisioned"}},
		"PingOne, policy":         {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 400, nil, `{"code":"INVALID_DATA","message":"m","details":[{"code":"INVALID_VALUE","target":"newPassword","message":"not satisfied","innerError":{"unsatisfiedRequirements":["length","length","history"],"length":"Too short.","history":"Used before."}}]}`}}, id: "passwd.policy", words: []string{"length: Too short.", "history: Used before."}},
		"PingOne, too young":      {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 400, nil, `{"code":"REQUEST_FAILED","message":"m","details":[{"code":"PASSWORD_TOO_YOUNG","message":"Too soon."}]}`}}, id: "passwd.too-young", words: []string{"Too soon."}},
		"PingOne, external user":  {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 400, nil, `{"code":"REQUEST_FAILED","message":"The user is managed elsewhere."}`}}, id: "passwd.refused", words: []string{"managed elsewhere"}},
		"PingOne, no scope":       {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 403, nil, `{"code":"ACCESS_FAILED","message":"No access."}`}}, id: "passwd.scope", words: []string{"ACCESS_FAILED: No access."}},
		"PingOne redirects":       {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 302, http.Header{"Location": {"https://evil.example/"}}, ""}}, id: "wire.redirect"},
		"PingOne is down":         {via: "pingone", issuer: ping, turns: []exchange{{pingRequest, 503, nil, ""}}, id: "wire.unavailable"},
		"Okta changes it":         {via: "okta", issuer: "https://dev-1.okta.com/oauth2/default", turns: []exchange{{okta, 204, nil, ""}}},
		"Okta, wrong old":         {via: "okta", issuer: "https://dev-1.okta.com/oauth2/default", turns: []exchange{{okta, 403, nil, `{"errorCode":"E0000014","errorSummary":"Update of credentials failed","errorCauses":[{"errorSummary":"Old Password is not correct"}]}`}}, id: "passwd.wrong-old", words: []string{"E0000014", "Old Password is not correct"}},
		"Okta, policy":            {via: "okta", issuer: "https://dev-1.okta.com", turns: []exchange{{okta, 400, nil, `{"errorCode":"E0000014","errorSummary":"Password requirements were not met.","errorCauses":[{"errorSummary":"at least 8 characters"}]}`}}, id: "passwd.policy", words: []string{"at least 8 characters"}},
		"Entra changes it":        {via: "entra", issuer: "https://login.microsoftonline.com/t/v2.0", turns: []exchange{{graph, 204, nil, ""}}},
		"Entra, wrong old":        {via: "entra", issuer: "https://login.microsoftonline.com/t/v2.0", turns: []exchange{{graph, 400, nil, `{"error":{"code":"Request_BadRequest","message":"The specified password does not match the current password."}}`}}, id: "passwd.wrong-old", words: []string{"Request_BadRequest"}},
		"Entra, policy":           {via: "entra", issuer: "https://login.microsoftonline.com/t/v2.0", turns: []exchange{{graph, 400, nil, `{"error":{"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements."}}`}}, id: "passwd.policy", words: []string{"complexity"}},
		"Entra, no permission":    {via: "entra", issuer: "https://login.microsoftonline.com/t/v2.0", turns: []exchange{{graph, 403, nil, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}`}}, id: "passwd.scope", words: []string{"Insufficient privileges"}},
		"ZITADEL changes it":      {via: "zitadel", issuer: "https://acme.zitadel.cloud", turns: []exchange{{zita, 200, nil, `{"details":{"sequence":"2"}}`}}},
		"ZITADEL, wrong old":      {via: "zitadel", issuer: "https://acme.zitadel.cloud", turns: []exchange{{zita, 400, nil, `{"code":3,"message":"Password is invalid (COMMAND-3M0fs)","details":[]}`}}, id: "passwd.wrong-old", words: []string{"3: Password is invalid"}},
		"ZITADEL, policy":         {via: "zitadel", issuer: "https://acme.zitadel.cloud", turns: []exchange{{zita, 400, nil, `{"code":3,"message":"Password is too short (DOMAIN-HuJf6)"}`}}, id: "passwd.policy", words: []string{"too short"}},
		"FusionAuth changes it":   {via: "fusionauth", issuer: "https://acme.fusionauth.io", turns: []exchange{{fusion, 200, nil, `{"oneTimePassword":"x"}`}}},
		"FusionAuth, wrong old":   {via: "fusionauth", issuer: "https://acme.fusionauth.io", turns: []exchange{{fusion, 400, nil, `{"fieldErrors":{"currentPassword":[{"code":"[invalid]currentPassword","message":"The current password is wrong."}]}}`}}, id: "passwd.wrong-old", words: []string{"The current password is wrong."}},
		"FusionAuth, policy":      {via: "fusionauth", issuer: "https://acme.fusionauth.io", turns: []exchange{{fusion, 400, nil, `{"fieldErrors":{"password":[{"code":"[tooShort]password","message":"At least 8."}]},"generalErrors":[]}`}}, id: "passwd.policy", words: []string{"[tooShort]password: At least 8."}},
		"Cognito changes it":      {via: "cognito", issuer: pool, turns: []exchange{{cog, 200, nil, `{}`}}},
		"Cognito, wrong old":      {via: "cognito", issuer: pool, turns: []exchange{{cog, 400, nil, `{"__type":"com.amazonaws#NotAuthorizedException","message":"Incorrect username or password."}`}}, id: "passwd.wrong-old", words: []string{"NotAuthorizedException"}},
		"Cognito, dead token":     {via: "cognito", issuer: pool, turns: []exchange{{cog, 400, nil, `{"__type":"NotAuthorizedException","message":"Access Token has been revoked"}`}}, id: "passwd.scope", words: []string{"revoked"}},
		"Cognito, policy":         {via: "cognito", issuer: pool, turns: []exchange{{cog, 400, nil, `{"__type":"InvalidPasswordException","message":"Password did not conform with policy"}`}}, id: "passwd.policy", words: []string{"conform"}},
		"SCIM changes it":         {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{scimConfig, {patch(scimBase + "/Me"), 204, nil, ""}}},
		"SCIM without Me":         {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{scimConfig, {patch(scimBase + "/Me"), 501, nil, ""}, {"GET " + scimBase + "/Me\nAuthorization: Bearer " + accessToken, 200, nil, `{"meta":{"location":"https://op.example/scim/v2/Users/7"}}`}, {patch(scimBase + "/Users/7"), 200, nil, "{}"}}},
		"SCIM points elsewhere":   {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{scimConfig, {patch(scimBase + "/Me"), 404, nil, ""}, {"GET " + scimBase + "/Me", 200, nil, `{"meta":{"location":"https://evil.example/Users/7"}}`}}, id: "passwd.elsewhere", words: []string{"evil.example"}},
		"SCIM cannot":             {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{{scimConfig.request, 200, nil, `{"changePassword":{"supported":false}}`}}, id: "passwd.unsupported"},
		"SCIM, policy":            {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{scimConfig, {patch(scimBase + "/Me"), 400, nil, `{"scimType":"invalidValue","detail":"too weak","status":"400"}`}}, id: "passwd.policy", words: []string{"invalidValue: too weak"}},
		"SCIM, no right":          {via: "scim", issuer: "https://op.example", base: scimBase, turns: []exchange{scimConfig, {patch(scimBase + "/Me"), 403, nil, `{"detail":"no"}`}}, id: "passwd.scope"},
		"SCIM, nowhere":           {via: "scim", issuer: "https://op.example", id: "passwd.no-address"},
		"Glewlwyd changes it":     {via: "glewlwyd", issuer: glew, turns: []exchange{glewSignIn, {glewChange, 200, nil, ""}}},
		"Glewlwyd, wrong old":     {via: "glewlwyd", issuer: glew, turns: []exchange{{glewSignIn.request, 401, nil, ""}}, id: "passwd.wrong-old", words: []string{"401 without saying why"}},
		"Glewlwyd, policy":        {via: "glewlwyd", issuer: glew, turns: []exchange{glewSignIn, {glewChange, 400, nil, `["new password too short"]`}}, id: "passwd.policy", words: []string{"new password too short"}},
		"Kratos changes it":       kratosTalk(200, kratosSaid("success"), "", ""),
		"Kratos, policy":          kratosTalk(400, kratosSaid("short"), "passwd.policy", "4000032: The password must be at least 8 characters long"),
		"Kratos, old session":     kratosTalk(403, `{"error":{"id":"session_refresh_required","reason":"The login session is too old."}}`, "passwd.scope", "too old"),
		"Kratos, no success":      kratosTalk(200, `{"state":"show_form"}`, "passwd.state", "show_form"),
		"Kratos, wrong old":       {via: "kratos", issuer: kratosAt, turns: []exchange{kratosTurns()[0], {kratosTurns()[1].request, 400, nil, kratosSaid("wrong")}}, id: "passwd.wrong-old", words: []string{"4000006: The provided credentials are invalid"}},
		"Kratos, no session":      {via: "kratos", issuer: kratosAt, turns: append(kratosTurns()[:2], exchange{kratosTurns()[2].request, 401, nil, kratosSaid("no-session")}), id: "passwd.scope", words: []string{"session_inactive"}},
		"Kratos points elsewhere": {via: "kratos", issuer: kratosAt, turns: []exchange{{kratosTurns()[0].request, 200, nil, `{"ui":{"action":"https://evil.example/"}}`}}, id: "passwd.elsewhere"},
		"LemonLDAP changes it":    lemonTalk(200, `{"result":1,"error":"35"}`, "", ""),
		"LemonLDAP, wrong old":    lemonTalk(400, `{"result":0,"error":"39"}`, "passwd.wrong-old", "error 39: the current password is wrong"),
		"LemonLDAP, policy":       lemonTalk(400, `{"result":0,"error":"29"}`, "passwd.policy", "too short"),
		"LemonLDAP, unknown":      lemonTalk(400, `{"result":0,"error":"77"}`, "passwd.refused", "error 77"),
		"an address without TLS":  {via: "scim", issuer: "https://op.example", base: "http://op.example/scim", id: "passwd.address"},
	}
}

const kratosAt = "http://127.0.0.1:4433"

// kratosSaid is an answer of Ory Kratos 1.3.1, with another session token.
func kratosSaid(name string) string {
	text, err := os.ReadFile("testdata/kratos-" + name + ".json")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// action is where a recorded flow wants its next step.
func action(name string) string {
	var flow struct{ UI struct{ Action string } }
	if err := json.Unmarshal([]byte(kratosSaid(name)), &flow); err != nil {
		panic(err)
	}
	return flow.UI.Action
}

func kratosTurns() []exchange {
	return []exchange{
		{"GET " + kratosAt + "/self-service/login/api", 200, nil, kratosSaid("login")},
		{"POST " + action("login") + "\nContent-Type: application/json\n\n" + string(object(map[string]any{"method": "password", "identifier": "alice", "password": oldPassword})), 200, nil, kratosSaid("session")},
		{"GET " + kratosAt + "/self-service/settings/api\nX-Session-Token: the-session-token", 200, nil, kratosSaid("settings")},
		{"POST " + action("settings") + "\nX-Session-Token: the-session-token\n\n" + string(object(map[string]any{"method": "password", "password": newPassword})), 0, nil, ""},
	}
}

func kratosTalk(status int, answer, id, words string) conversation {
	c := conversation{via: "kratos", issuer: kratosAt, turns: kratosTurns(), id: id, words: []string{words}}
	c.turns[3].status, c.turns[3].answer = status, answer
	return c
}

func lemonTalk(status int, answer, id, words string) conversation {
	const at = "https://auth.example"
	return conversation{via: "lemonldap", issuer: at, id: id, words: []string{words}, turns: []exchange{
		{"GET " + at + "/\nAccept: text/html", 200, nil, `<form><input type="hidden" name="token" value="t&amp;1"></form>`},
		{"POST " + at + "/\nAccept: application/json\nContent-Type: application/x-www-form-urlencoded\n\npassword=old+%22pass%22+word-1&token=t%261&user=alice", 200, http.Header{"Set-Cookie": {"lemonldap=xyz; path=/"}}, `{"result":1,"error":"0"}`},
		{"POST " + at + "/\nCookie: lemonldap=xyz\n\nconfirmpassword=new+pass%2Fword%2B2&newpassword=new+pass%2Fword%2B2&oldpassword=old+%22pass%22+word-1", status, nil, answer},
	}}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	for name, c := range conversations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, r := account(t, c.issuer, c.turns...)
			a.Base = c.base
			e, err := Find(c.via, a)
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Change(t.Context(), a)
			if r.seen != len(c.turns) {
				t.Errorf("%d requests, want %d", r.seen, len(c.turns))
			}
			var f *fault.Error
			if c.id == "" {
				if err != nil {
					t.Errorf("got %v, want a change", err)
				}
				return
			}
			if !errors.As(err, &f) || f.ID != c.id {
				t.Fatalf("got %v (%+v), want %s", err, f, c.id)
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			for _, s := range []string{oldPassword, newPassword, accessToken} {
				if strings.Contains(fmt.Sprintf("%v %+v", err, f), s) {
					t.Errorf("%q shows a secret", err)
				}
			}
		})
	}
}

// Every provider that changes a password by a request has its conversations:
// one that succeeds, and refusals.
func TestEveryProviderIsReplayed(t *testing.T) {
	t.Parallel()
	for _, e := range All() {
		var ids []string
		for _, c := range conversations() {
			if c.via == e.Name {
				ids = append(ids, c.id)
			}
		}
		if e.Change == nil || e.Family == Directory {
			continue // pages have TestPages, directories run for real in test/ops
		}
		for _, want := range []string{"", "passwd.policy"} {
			if !slices.Contains(ids, want) {
				t.Errorf("%s has no conversation that ends with %q", e.Name, want)
			}
		}
		if !e.NoOld && !slices.Contains(ids, "passwd.wrong-old") {
			t.Errorf("%s has no conversation with a wrong current password", e.Name)
		}
	}
}

func TestFindByIssuerAndMetadata(t *testing.T) {
	t.Parallel()
	endpoints := func(authorization, token, end string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"authorization_endpoint": json.RawMessage(`"` + authorization + `"`), "token_endpoint": json.RawMessage(`"` + token + `"`), "end_session_endpoint": json.RawMessage(`"` + end + `"`)}
	}
	for issuer, c := range map[string]struct {
		metadata map[string]json.RawMessage
		want     string
	}{
		"https://auth.pingone.com/e/as":                         {nil, "pingone"},
		"https://acme.okta.com":                                 {nil, "okta"},
		"https://acme.okta.com.evil.example":                    {nil, ""},
		"https://notokta.com":                                   {nil, ""},
		"https://login.microsoftonline.com/t/v2.0":              {nil, "entra"},
		"https://acme.zitadel.cloud":                            {nil, "zitadel"},
		"https://acme.fusionauth.io":                            {nil, "fusionauth"},
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1": {nil, "cognito"},
		"https://acme.eu.auth0.com/":                            {nil, "auth0"},
		"https://slug.projects.oryapis.com":                     {nil, "kratos"},
		"https://kc.example/realms/a":                           {endpoints("https://kc.example/realms/a/protocol/openid-connect/auth", "x", ""), "keycloak"},
		"https://localhost:9453/api/oidc":                       {endpoints("https://localhost:9453/api/oidc/auth", "https://localhost:9453/api/oidc/token", ""), "glewlwyd"},
		"https://auth.example":                                  {endpoints("https://auth.example/oauth2/authorize", "https://auth.example/oauth2/token", "https://auth.example/oauth2/logout"), "lemonldap"},
		"https://op.example":                                    {endpoints("https://op.example/authorize", "https://op.example/token", ""), ""},
	} {
		e, err := Find("", &Account{Issuer: issuer, Metadata: c.metadata})
		if e.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v; want %q", issuer, e.Name, err, c.want)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	const absent = "GET https://op.example/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
	const page = "GET https://op.example/.well-known/change-password"
	mail := "POST https://acme.eu.auth0.com/dbconnections/change_password\nContent-Type: application/json\n\n" + `{"client_id":"my-client","connection":"Username-Password-Authentication","email":"alice@example.com"}`
	for name, c := range map[string]struct {
		via, issuer string
		turns       []exchange
		id          string
		want        Handoff
	}{
		"a page that is there":      {"well-known", "https://op.example", []exchange{{absent, 404, nil, ""}, {page, 302, nil, ""}}, "", Handoff{URL: "https://op.example/.well-known/change-password"}},
		"a site that has all pages": {"well-known", "https://op.example", []exchange{{absent, 200, nil, ""}}, "passwd.no-page", Handoff{}},
		"a page that is not there":  {"well-known", "https://op.example", []exchange{{absent, 404, nil, ""}, {page, 404, nil, ""}}, "passwd.no-page", Handoff{}},
		"a mail":                    {"auth0", "https://acme.eu.auth0.com/", []exchange{{mail, 200, nil, `"We've just sent you an email to reset your password."`}}, "", Handoff{Said: "We've just sent you an email to reset your password."}},
		"a mail refused":            {"auth0", "https://acme.eu.auth0.com/", []exchange{{mail, 400, nil, `{"error":"connection does not exist"}`}}, "passwd.refused", Handoff{}},
	} {
		a, _ := account(t, c.issuer, c.turns...)
		e, err := Find(c.via, a)
		if err == nil {
			err = e.Fill(a, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		h, err := e.Handoff(t.Context(), a)
		var f *fault.Error
		switch {
		case c.id == "" && (err != nil || h.URL != c.want.URL || h.Said != c.want.Said):
			t.Errorf("%s: got %+v, %v", name, h, err)
		case c.id != "" && (!errors.As(err, &f) || f.ID != c.id):
			t.Errorf("%s: got %v, want %s", name, err, c.id)
		}
	}
}

func TestPingOneRulesAndGenerate(t *testing.T) {
	t.Parallel()
	p := pingPolicy{ExcludesProfileData: true, NotSimilarToCurrent: true, ExcludesCommonlyUsed: true, MinAgeDays: 1, MinUniqueCharacters: 5, MaxRepeatedCharacters: 2,
		MinCharacters: map[string]int{"0123456789": 2, "~!@#$%^&*()-_=+": 1}}
	p.Length.Min, p.Length.Max, p.History.Count = 10, 30, 6
	rules := p.rules()
	a, _ := account(t, "https://op.example")
	for password, want := range map[string]string{
		"Quite-fine-42":                      "",
		"short-42":                           "length",
		"no digits, at-all":                  "minCharacters",
		"Nothing5pecial42":                   "minCharacters",
		"Alice-was-42":                       "excludesProfileData",
		"aabb-aabb-11":                       "minUniqueCharacters",
		"Baaad-idea-42":                      "maxRepeatedCharacters",
		oldPassword + "-42-and-so-on-and-so": "length",
	} {
		var got string
		if unmet := rules.Unmet(a, secret.New(password)); len(unmet) > 0 {
			got = unmet[0].Name
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", password, got, want)
		}
	}
	for range 20 {
		made, err := Generate(rules, a)
		if err != nil || len(made.Reveal()) != 24 {
			t.Fatalf("made %d characters, %v", len(made.Reveal()), err)
		}
	}
	if made, err := Generate(nil, a); err != nil || len(made.Reveal()) != 24 {
		t.Errorf("without a policy: %v", err)
	}
	none := &Policy{Rules: []Rule{{Name: "never", Unmet: func(*Account, string) bool { return true }}}}
	if _, err := Generate(none, a); !fault.Is(err, fault.Denied) {
		t.Errorf("a policy that nothing meets: got %v", err)
	}
}
