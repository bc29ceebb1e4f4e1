package passwd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/markup"
	"rely/internal/wire"
)

const lemonSpec = "LemonLDAP::NG portal, REST password form"

// lemonLDAP changes a password in a session of the LemonLDAP::NG portal.
func lemonLDAP() Entry {
	return Entry{
		Name: "lemonldap", Help: "LemonLDAP::NG: its portal, signed in with the current password", Family: Product,
		Proof: "answers as LemonLDAP::NG 2.16.1 gives them, replayed in the tests", After: untold,
		Fits: func(a *Account) bool {
			return a.names("token_endpoint", "/oauth2/token") && a.names("authorization_endpoint", "/oauth2/authorize") && a.names("end_session_endpoint", "/oauth2/logout")
		},
		Change: lemonChange,
		Verify: func(ctx context.Context, a *Account) error {
			_, err := lemonSession(ctx, a, a.New.Reveal())
			return err
		},
	}
}

func lemonPortal(a *Account) string { return a.base(a.origin()) + "/" }

// lemonSession signs in. The form has a token that is good once, without which
// the portal answers with error 81.
func lemonSession(ctx context.Context, a *Account, password string) (string, error) {
	const what = "sign in to the portal"
	page, err := a.send(ctx, what, sending{method: http.MethodGet, url: lemonPortal(a), accept: "text/html"})
	if err != nil {
		return "", err
	}
	token := ""
	for n := range markup.Parse(page.Body).Descendants() {
		if n.Tag == "input" && n.Attr("name") == "token" {
			token = n.Attr("value")
		}
	}
	answer, err := lemonPost(ctx, a, what, "", url.Values{"user": {a.Username}, "password": {password}, "token": {token}})
	if err != nil {
		return "", err
	}
	session := cookie(answer, "lemonldap")
	if session == "" {
		return "", lemonRefused(answer, wrongOld)
	}
	return session, nil
}

func lemonPost(ctx context.Context, a *Account, what, session string, form url.Values) (*wire.Answer, error) {
	s := sending{method: http.MethodPost, url: lemonPortal(a), contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode())}
	if session != "" {
		s.header = map[string]string{"Cookie": "lemonldap=" + session}
	}
	return a.send(ctx, what, s)
}

func lemonChange(ctx context.Context, a *Account) (string, error) {
	session, err := lemonSession(ctx, a, a.Old.Reveal())
	if err != nil {
		return "", err
	}
	answer, err := lemonPost(ctx, a, op, session, url.Values{"oldpassword": {a.Old.Reveal()}, "newpassword": {a.New.Reveal()}, "confirmpassword": {a.New.Reveal()}})
	if err != nil {
		return "", err
	}
	var yes struct{ Result int }
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &yes) != nil || yes.Result != 1 {
		return "", lemonRefused(answer, other)
	}
	return "", nil
}

// lemonRefused spells the portal's error number out.
func lemonRefused(answer *wire.Answer, what reason) error {
	number := strings.Trim(string(members(answer)["error"]), `"`)
	r := refusal{what: what}
	if number == "" {
		return r.fault(lemonSpec, answer.Status)
	}
	words := map[string]struct {
		text string
		what reason
	}{
		"5": {"wrong user name or password", wrongOld}, "9": {"there is no session", scope}, "24": {"the captcha has to be solved", other},
		"27": {"the current password is missing", wrongOld}, "28": {"the quality of the new password is not enough", policy},
		"29": {"the new password is too short", policy}, "30": {"the password was changed too short a time ago", early},
		"31": {"the new password was used before", policy}, "34": {"the two new passwords differ", other}, "39": {"the current password is wrong", wrongOld},
		"81": {"the form's token is gone", other}, "100": {"the new password has too few characters of some kind", policy},
		"101": {"the new password holds a character that is not allowed", policy},
	}
	w, known := words[number]
	if !known {
		w.text, w.what = "see the portal's documentation", what
	}
	r.code, r.words, r.what = "error "+number, w.text, w.what
	return r.fault(lemonSpec, answer.Status)
}

// sameHost refuses an address that a provider names and that is somewhere
// else: a password would go there.
func (a *Account) sameHost(what, address string) error {
	u, err := url.Parse(address)
	base, _ := url.Parse(a.base(a.origin()))
	if err == nil && base != nil && u.Scheme == base.Scheme && u.Host == base.Host {
		return nil
	}
	return &fault.Error{Kind: fault.Protocol, ID: "passwd.elsewhere", Op: what, Err: fmt.Errorf("the provider wants the password at %.300q, which is not its own address", address),
		Hint: "check --via-url and the provider's own base address"}
}
