package flows

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"rely/internal/idtoken"
	"rely/internal/loopback"
	"rely/internal/useragent"
)

// DisplayName is how a person recognises themselves in an ID token: the name
// they typed, else their e-mail, else what the provider calls them.
func DisplayName(c *idtoken.Claims) string {
	for _, claim := range []string{"preferred_username", "email", "name"} {
		var name string
		if json.Unmarshal(c.All[claim], &name) == nil && name != "" {
			return name
		}
	}
	return c.Subject
}

func hasScope(scopes, scope string) bool { return slices.Contains(strings.Fields(scopes), scope) }

// visit tells the agent where to go and where a password may be typed: on the
// provider's own origins, which are the issuer's and the authorization
// endpoint's.
func (r *Request) visit(l *loopback.Listener, address string) useragent.Visit {
	v := useragent.Visit{URL: address, RedirectURI: l.RedirectURI()}
	for _, from := range []string{r.Provider.Metadata.Issuer, r.Provider.Metadata.AuthorizationEndpoint} {
		if u, err := url.Parse(from); err == nil {
			v.Origins = append(v.Origins, u.Scheme+"://"+u.Host)
		}
	}
	v.Origins = slices.Compact(v.Origins)
	return v
}
