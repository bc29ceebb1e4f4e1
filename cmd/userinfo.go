package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/output"
)

// userinfo asks the provider who is signed in.
type userinfo struct {
	*invocation
	expects                listFlag
	compare, post, resolve bool
}

func newUserinfo(i *invocation) *cobra.Command {
	u := &userinfo{invocation: i, expects: listFlag{placeholder: "EXPECTATION"}}
	c := &cobra.Command{
		Use:   "userinfo",
		Short: "Ask the provider who is signed in",
		Long: `Asks the provider's UserInfo endpoint about the signed-in user, with an access
token that is renewed first where it is about to expire. The answer's "sub" must
be that of the ID token, or nothing of it is shown. Times are shown in local
time; no address in the claims is ever fetched.

--compare shows what the ID token, the access token (where it is a JWT) and
UserInfo say differently.

--resolve-claims looks after claims that somebody else vouches for: those that
came along (aggregated) and those to be fetched (distributed). Each source is
named with who signed its claims; what nobody signed is shown in JSON and taken
for nothing. A source is asked with the access token that the provider gave for
it, never with the session's. One that fails costs nothing but its own claims,
and the exit code tells of it.

--expect makes it an assertion: exit code 8 when one does not hold. A claim that
is not there fits nothing but "missing". The comparisons:

` + expectHelp(),
		Example: `  rely userinfo
  rely userinfo -o json
  rely userinfo --expect email_verified==true --expect "groups contains admin"
  rely userinfo --compare
  rely userinfo --resolve-claims -o json`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			u.warm = true
			if err := u.open(c, false); err != nil {
				return err
			}
			return u.likely(c.Context(), u.run(c.Context()))
		},
	}
	i.settingFlags(c.Flags(), "min_ttl", "client_key_file", "store", "no_cache")
	c.Flags().Var(&u.expects, "expect", "what has to hold, as email_verified==true; may stand more than once")
	c.Flags().BoolVar(&u.compare, "compare", false, "show what ID token, access token and UserInfo say differently")
	c.Flags().BoolVar(&u.resolve, "resolve-claims", false, "resolve aggregated and distributed claims (OIDC Core 5.6.2)")
	c.MarkFlagsMutuallyExclusive("compare", "resolve-claims")
	c.Flags().BoolVar(&u.post, "post", false, "ask by POST instead of GET")
	return c
}

func (u *userinfo) run(ctx context.Context) error {
	if u.profile == "" {
		return &fault.Error{Kind: fault.Login, ID: "session.none", Op: "find the session", Err: errNoProfile, Hint: "run \"rely login ISSUER --client-id ID\""}
	}
	expected, err := expectations(u.expects.values)
	if err != nil {
		return err
	}
	s, err := u.sessions(false).Fresh(ctx, u.values.Duration("min_ttl"), false)
	if err != nil {
		return err
	}
	if s.Subject == "" {
		return &fault.Error{Kind: fault.Login, ID: "userinfo.nobody", Op: "ask the provider who is signed in", Err: errNobody,
			Hint: "sign a person in with \"rely login\" and the scope openid; \"rely call\" asks any address with the token as it is"}
	}
	if s.Access.Empty() {
		return &fault.Error{Kind: fault.Login, ID: "userinfo.no-token", Op: "ask the provider who is signed in", Err: errors.New("the session has no access token: the ID token came alone"),
			Hint: "print what it says with \"rely tokens --id\", or sign in with another --response-type"}
	}
	p, err := u.discover(ctx, s.Issuer)
	if err != nil {
		return err
	}
	claims, err := u.sessions(false).Ask(ctx, p, s, u.post)
	if err != nil {
		return err
	}
	if u.resolve {
		var failed error
		if claims, failed = u.resolved(ctx, s, claims); claims == nil {
			return failed
		}
		u.missing(claims)
		if failed != nil {
			return failed
		}
		return u.assert("check what UserInfo says", expected, claims)
	}
	u.missing(claims)
	claims = u.concealed(claims)
	if u.compare {
		err = u.comparison(s, claims)
	} else {
		err = output.Print(u.Stdout, u.format(), output.Result{Schema: "userinfo/1", JSON: claims, Text: layOut(claims, u.Now())})
	}
	if err != nil {
		return err
	}
	return u.assert("check what UserInfo says", expected, claims)
}

// missing tells which claims the profile asks for as essential and UserInfo
// lacks, which is the provider's right (OIDC Core 5.5.1).
func (u *userinfo) missing(claims map[string]json.RawMessage) {
	asked, err := u.sessions(false).Asked()
	if err != nil {
		return // the session does not need them any more
	}
	if names := asked.MissingUserInfo(claims); len(names) > 0 {
		u.say("rely: note: UserInfo lacks what was asked for as essential: %s\n", fault.VisibleUpTo(strings.Join(names, " "), 300))
	}
}
