package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/output"
	"rely/internal/store"
	"rely/internal/strictjson"
)

// comparedJSON is one claim in the three places that may have it.
type comparedJSON struct {
	Name        string          `json:"name"`
	Verdict     string          `json:"verdict"` // same, differs, or only in one place
	IDToken     json.RawMessage `json:"id_token,omitempty"`
	AccessToken json.RawMessage `json:"access_token,omitempty"`
	UserInfo    json.RawMessage `json:"userinfo,omitempty"`
}

// mechanics are claims about a token and not about the person: they differ by
// their nature.
func mechanics(name string) bool {
	return slices.Contains([]string{"aud", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "azp", "client_id", "scope", "scp", "sid",
		"auth_time", "acr", "amr", "cnf", "token_use", "typ", "session_state"}, name)
}

// comparison shows what ID token, access token and UserInfo say differently.
func (u *userinfo) comparison(s *store.Session, userinfo map[string]json.RawMessage) error {
	var id, access map[string]json.RawMessage
	if c, err := idtoken.Decode(s.ID); err == nil {
		id = c.All
	} else {
		u.say("rely: note: the ID token of the session cannot be read: it takes no part\n")
	}
	if signed, err := jose.Parse(s.Access.Reveal()); err == nil {
		access, _ = strictjson.Object(signed.Payload)
	}
	if access == nil {
		u.say("rely: note: the access token is opaque: it takes no part\n")
	} else {
		u.say("rely: note: the access token is a JWT for its API to verify; here it is only read\n")
	}
	list := compared(id, access, userinfo)
	return output.Print(u.Stdout, u.format(), output.Result{Schema: "userinfo-comparison/1", JSON: map[string]any{"claims": list}, Text: u.table(list)})
}

func compared(id, access, userinfo map[string]json.RawMessage) []comparedJSON {
	names := map[string]bool{}
	for _, from := range []map[string]json.RawMessage{id, access, userinfo} {
		for name := range from {
			names[name] = true
		}
	}
	list := []comparedJSON{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c := comparedJSON{Name: name, IDToken: id[name], AccessToken: access[name], UserInfo: userinfo[name], Verdict: "same"}
		var first json.RawMessage
		places := 0
		for _, raw := range []json.RawMessage{c.IDToken, c.AccessToken, c.UserInfo} {
			switch {
			case raw == nil:
				continue
			case first == nil:
				first = raw
			case !alike(first, raw):
				c.Verdict = "differs"
			}
			places++
		}
		if places == 1 {
			c.Verdict = "only"
		}
		list = append(list, c)
	}
	return list
}

// alike reports whether two values are the same, however they are spelt.
func alike(a, b json.RawMessage) bool {
	var one, other any
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return false
	}
	x, err1 := json.Marshal(one)
	y, err2 := json.Marshal(other)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// table shows what differs, and what only one place says; with -v also what is
// the same and what is about the tokens themselves.
func (u *userinfo) table(list []comparedJSON) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLAIM\t\tID TOKEN\tACCESS TOKEN\tUSERINFO")
	shown := 0
	cell := func(name string, raw json.RawMessage) string {
		if raw == nil {
			return "-"
		}
		return fault.VisibleUpTo(shownClaim(name, raw, u.Now()), 60)
	}
	for _, verdict := range []string{"differs", "only", "same"} {
		for _, c := range list {
			if c.Verdict != verdict || (mechanics(c.Name) || verdict == "same") && u.verbose() == 0 {
				continue
			}
			shown++
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", fault.VisibleUpTo(c.Name, 40), c.Verdict, cell(c.Name, c.IDToken), cell(c.Name, c.AccessToken), cell(c.Name, c.UserInfo))
		}
	}
	_ = w.Flush() // to memory: cannot fail
	if shown == 0 {
		return "They say the same of the person (-v shows it).\n"
	}
	return b.String()
}
