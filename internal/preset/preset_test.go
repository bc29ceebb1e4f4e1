package preset

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rely/internal/fault"
)

// cases is at least one expansion of each preset.
func cases() map[string]struct {
	provider string
	pairs    []string
	want     Settings
} {
	type c = struct {
		provider string
		pairs    []string
		want     Settings
	}
	const uuid = "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6"
	return map[string]c{
		"auth0":                     {"auth0", []string{"domain=example.eu.auth0.com"}, Settings{"issuer": {"https://example.eu.auth0.com/"}}},
		"auth0 for an API":          {"auth0", []string{"domain=https://Example.eu.auth0.com/", "audience=https://api.example/"}, Settings{"issuer": {"https://example.eu.auth0.com/"}, "param": {"audience=https://api.example/"}, "token_param": {"audience=https://api.example/"}}},
		"authentik":                 {"authentik", []string{"base-url=https://a.example/", "application=my-app"}, Settings{"issuer": {"https://a.example/application/o/my-app/"}}},
		"cognito":                   {"cognito", []string{"user-pool-id=us-east-1_1a2b3c4d5"}, Settings{"issuer": {"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_1a2b3c4d5"}}},
		"cognito, region given":     {"cognito", []string{"user_pool_id=us-east-1_1a2b3c4d5", "region=us-west-2"}, Settings{"issuer": {"https://cognito-idp.us-west-2.amazonaws.com/us-east-1_1a2b3c4d5"}}},
		"cognito, updated":          {"cognito", []string{"user-pool-id=us-east-1_1a2b3c4d5", "issuer-type=updated"}, Settings{"issuer": {"https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_1a2b3c4d5"}}},
		"entra":                     {"entra", []string{"tenant=" + strings.ToUpper(uuid)}, Settings{"issuer": {"https://login.microsoftonline.com/" + uuid + "/v2.0"}, "redirect_uri": {"http://localhost:0"}}},
		"fusionauth":                {"fusionauth", []string{"base-url=http://localhost:9011"}, Settings{"issuer": {"http://localhost:9011"}}},
		"gitlab":                    {"gitlab", nil, Settings{"issuer": {"https://gitlab.com"}}},
		"gitlab of one's own":       {"gitlab", []string{"base-url=https://git.example/gitlab/"}, Settings{"issuer": {"https://git.example/gitlab"}}},
		"gluu":                      {"gluu", []string{"host=gluu.example"}, Settings{"issuer": {"https://gluu.example"}}},
		"google":                    {"google", nil, Settings{"issuer": {"https://accounts.google.com"}, "param": {"access_type=offline", "prompt=consent"}, "redirect_uri": {"http://127.0.0.1:0"}}},
		"janssen":                   {"janssen", []string{"host=jans.example:8443"}, Settings{"issuer": {"https://jans.example:8443"}}},
		"keycloak":                  {"keycloak", []string{"base-url=https://sso.example", "realm=demo"}, Settings{"issuer": {"https://sso.example/realms/demo"}}},
		"keycloak with /auth":       {"keycloak", []string{"base-url=https://sso.example/auth/", "realm=my realm"}, Settings{"issuer": {"https://sso.example/auth/realms/my%20realm"}}},
		"okta":                      {"okta", []string{"domain=example.okta.com"}, Settings{"issuer": {"https://example.okta.com"}}},
		"okta, custom server":       {"okta", []string{"domain=example.okta.com", "authorization-server=default"}, Settings{"issuer": {"https://example.okta.com/oauth2/default"}}},
		"pingone":                   {"pingone", []string{"environment-id=" + uuid}, Settings{"issuer": {"https://auth.pingone.com/" + uuid + "/as"}}},
		"pingone in Europe":         {"pingone", []string{"environment_id=" + uuid, "region=EU"}, Settings{"issuer": {"https://auth.pingone.eu/" + uuid + "/as"}}},
		"pingone in Australia":      {"pingone", []string{"environment-id=" + uuid, "region=au"}, Settings{"issuer": {"https://auth.pingone.com.au/" + uuid + "/as"}}},
		"pingone in Asia":           {"pingone", []string{"environment-id=" + uuid, "region=ap"}, Settings{"issuer": {"https://auth.pingone.asia/" + uuid + "/as"}}},
		"zitadel":                   {"zitadel", []string{"domain=example.zitadel.cloud"}, Settings{"issuer": {"https://example.zitadel.cloud"}}},
		"a value with an equals in": {"auth0", []string{"domain=a.example", "audience=urn:a=b"}, Settings{"issuer": {"https://a.example/"}, "param": {"audience=urn:a=b"}, "token_param": {"audience=urn:a=b"}}},
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Find(c.provider)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Expand(c.pairs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		provider, want string
		pairs          []string
	}{
		"an unknown provider":      {"githup", "githup", nil},
		"a parameter is missing":   {"keycloak", "realm is missing", []string{"base-url=https://a"}},
		"an unknown parameter":     {"google", `no parameter "tenant"`, []string{"tenant=x"}},
		"no pair":                  {"okta", "not NAME=VALUE", []string{"example.okta.com"}},
		"an empty value":           {"okta", "it is empty", []string{"domain="}},
		"twice":                    {"okta", "given twice", []string{"domain=a", "domain=b"}},
		"a path for a host":        {"okta", "no host name", []string{"domain=a.example/b"}},
		"a user before a host":     {"okta", "no host name", []string{"domain=a@b"}},
		"a path for a word":        {"okta", "no single word", []string{"domain=a", "authorization-server=../x"}},
		"a host for a base":        {"keycloak", "no absolute URL", []string{"base-url=sso.example", "realm=a"}},
		"a query in a base":        {"keycloak", "no absolute URL", []string{"base-url=https://a?b", "realm=a"}},
		"a control character":      {"keycloak", "control character", []string{"base-url=https://a", "realm=\x1b"}},
		"any tenant":               {"entra", "any tenant", []string{"tenant=Common"}},
		"a region of nobody":       {"pingone", "none of PingOne's", []string{"environment-id=a", "region=mars"}},
		"a pool without a region":  {"cognito", "underscore", []string{"user-pool-id=abc"}},
		"an issuer type of nobody": {"cognito", "neither", []string{"user-pool-id=a_b", "issuer-type=x"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Find(c.provider)
			if err == nil {
				_, err = p.Expand(c.pairs)
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Usage || f.Hint == "" || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want a fault of kind usage with %q and a hint", err, c.want)
			}
		})
	}
}

// TestTable holds every entry to what help and docs say of it.
func TestTable(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, c := range cases() {
		tried[c.provider] = true
	}
	name := regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	all := All()
	if !slices.IsSortedFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not in the order of names")
	}
	for _, p := range all {
		if !tried[p.Name] {
			t.Errorf("%s: no case expands it", p.Name)
		}
		if !name.MatchString(p.Name) || p.Help == "" || p.Apply == nil || len(p.Facts) == 0 {
			t.Errorf("%s: name, help, Apply and facts are wanted", p.Name)
		}
		for _, q := range p.Params {
			if !name.MatchString(q.Name) || q.Help == "" || q.Required && q.Default != "" {
				t.Errorf("%s: parameter %q needs a name, a help, and no default where it is required", p.Name, q.Name)
			}
		}
		for _, f := range p.Facts {
			u, err := url.Parse(f.Source)
			if err != nil || u.Scheme != "https" || u.Host == "" || !strings.HasSuffix(f.Text, ".") {
				t.Errorf("%s: %q needs a full stop and the URL of its source", p.Name, f.Text)
			}
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, c := range cases() {
		f.Add(c.provider, strings.Join(c.pairs, "\n"))
	}
	f.Fuzz(func(t *testing.T, provider, pairs string) {
		p, err := Find(provider)
		if err != nil {
			return
		}
		s, err := p.Expand(strings.Split(pairs, "\n"))
		if err != nil {
			return
		}
		u, err := url.Parse(s["issuer"][0])
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("the issuer is %q", s["issuer"])
		}
	})
}
