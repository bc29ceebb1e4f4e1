// Package response knows what an authorization response may be made of and the
// ways it can travel (OAuth 2.0 Multiple Response Types, Form Post Response
// Mode, JARM). It issues nothing and keeps nothing.
package response

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rely/internal/demoop/page"
	"rely/internal/demoop/reply"
)

// A Type is a response type taken apart.
type Type struct{ Code, Token, IDToken bool }

// Types lists the response types.
func Types() []string {
	return []string{"code", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token"}
}

// Listed are those that the metadata lists: those with tokens in the address
// are for whoever still asks for them (RFC 9700 2.1.2).
func Listed(legacy bool) []string {
	if legacy {
		return Types()
	}
	return []string{"code"}
}

// Modes lists the response modes.
func Modes() []string {
	return []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
}

// sorted is a response type with its words in one order: they have none of
// their own (RFC 6749 3.1.1).
func sorted(kind string) string {
	words := strings.Fields(kind)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// Parse takes a response type apart; false where there is no such type.
func Parse(kind string) (Type, bool) {
	words := strings.Fields(kind)
	return Type{slices.Contains(words, "code"), slices.Contains(words, "token"), slices.Contains(words, "id_token")},
		Among(kind, Types())
}

// Among reports whether a response type is one of a list.
func Among(kind string, list []string) bool {
	return slices.ContainsFunc(list, func(t string) bool { return sorted(t) == sorted(kind) })
}

// Grants are the grant types that a client has to be registered for (OIDC
// Registration 2).
func (t Type) Grants() []string {
	var out []string
	if t.Code {
		out = append(out, "authorization_code")
	}
	if t.Token || t.IDToken {
		out = append(out, "implicit")
	}
	return out
}

// Mode settles how the answer travels. Where it cannot be as asked, why says
// so, and the mode is the type's own, for the error (Multiple Response Types
// 2.1, 5; JARM 2.3).
func (t Type) Mode(asked string) (mode, why string) {
	own := "query"
	if t.Token || t.IDToken {
		own = "fragment"
	}
	way, jwt := strings.CutSuffix(asked, ".jwt")
	switch {
	case asked == "":
		return own, ""
	case !slices.Contains(Modes(), asked):
		return own, "response_mode is none that this provider knows"
	case way == "query" && own == "fragment":
		if jwt {
			own += ".jwt"
		}
		return own, "tokens do not travel in the query"
	case asked == "jwt":
		return own + ".jwt", ""
	}
	return asked, ""
}

// Send is the answer on its way. A mode that ends in ".jwt" puts it into the
// JWT that sign makes; outside is told of what travels, last of all.
func Send(redirect, mode string, v url.Values, sign func(url.Values) (string, error), outside func(url.Values) string) reply.Reply {
	way, jwt := strings.CutSuffix(mode, ".jwt")
	if jwt {
		token, err := sign(v)
		v = url.Values{"response": {token}}
		if err != nil {
			v = url.Values{"error": {"server_error"}}
		}
	}
	if other := outside(v); other != "" {
		way = other
	}
	// The redirect URI may have a query of its own, which stays (RFC 6749 3.1.2).
	glue := "?"
	switch {
	case way == "form_post":
		return page.Post(redirect, v).Write
	case way == "fragment":
		glue = "#"
	case strings.Contains(redirect, "?"):
		glue = "&"
	}
	return reply.To(redirect + glue + v.Encode())
}

// Access puts an access token into an answer (RFC 6749 4.2.2).
func Access(v url.Values, token string, life time.Duration, scopes []string) {
	v.Set("access_token", token)
	v.Set("token_type", "Bearer")
	v.Set("expires_in", strconv.Itoa(int(life/time.Second)))
	v.Set("scope", strings.Join(scopes, " "))
}

// Claims are those of a response JWT (JARM 2.1), good for ten minutes at most.
func Claims(issuer, client string, until int64, v url.Values) map[string]any {
	m := map[string]any{"iss": issuer, "aud": client, "exp": until}
	for name := range v {
		m[name] = v.Get(name)
	}
	return m
}
