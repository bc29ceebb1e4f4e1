package request

import (
	"net/url"
	"slices"
	"strings"

	"rely/internal/idtoken"
	"rely/internal/strictjson"
)

// DisplayName is how a person recognises themselves in an ID token: the name
// they typed, else their e-mail, else what the provider calls them.
func DisplayName(c *idtoken.Claims) string {
	for _, claim := range []string{"preferred_username", "email", "name"} {
		var name string
		if strictjson.Read(c.All[claim], &name) && name != "" {
			return name
		}
	}
	return c.Subject
}

func hasScope(scopes, scope string) bool { return slices.Contains(strings.Fields(scopes), scope) }

// Origins are where a password may be typed: the provider's own, which are the
// issuer's and the authorization endpoint's. An address in further adds its
// own where it is on the host of one of them.
func (r *Request) Origins(further ...string) []string {
	var origins, hosts []string
	for n, from := range append([]string{r.Provider.Metadata.Issuer, r.Provider.Metadata.AuthorizationEndpoint}, further...) {
		u, err := url.Parse(from)
		if err != nil || u.Host == "" || n > 1 && !slices.Contains(hosts, u.Hostname()) {
			continue
		}
		hosts = append(hosts, u.Hostname())
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}
