package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
	"rely/internal/session"
	"rely/internal/store"
)

// tokens prints a token that is good for a while.
type tokens struct {
	*invocation
	id, refresh, force bool
	proof              string // --proof-for
}

type tokensJSON struct {
	AccessToken  string     `json:"access_token"`
	TokenType    string     `json:"token_type"`
	Scope        string     `json:"scope,omitempty"`
	Expires      *time.Time `json:"expires_at,omitempty"`
	IDToken      string     `json:"id_token,omitempty"`
	RefreshToken string     `json:"refresh_token,omitempty"`
}

func newTokens(i *invocation) *cobra.Command {
	t := &tokens{invocation: i}
	c := &cobra.Command{
		Use:   "tokens",
		Short: "Print the access token, renewed when about to expire",
		Long: `Prints the session's access token and nothing else. When less than --min-ttl of
it is left it is renewed with the refresh token first; however many processes ask
at once, one renews and the others get what it got. Where the flow needs no
person (--flow client-credentials) a token is fetched when there is none.

The token of a session made with --dpop is of use with proofs alone: "rely call"
makes them, and -o header --proof-for "GET URL" makes one for another program.

Without any profile the settings may come from variables alone: RELY_ISSUER,
RELY_CLIENT_ID, RELY_CLIENT_SECRET and --flow client-credentials. No token is
stored then. A session that only a person can bring back is exit code 4.`,
		Example: `  TOKEN=$(rely tokens)
  curl -H "$(rely tokens -o header)" https://api.example/me
  curl -H @<(rely tokens -o header --proof-for "GET https://api.example/me") https://api.example/me
  rely tokens -o json | jq -r .result.expires_at`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			t.warm = true
			if err := t.open(c, false); err != nil {
				return err
			}
			entry, err := flows.Find(t.values.String("flow"))
			t.loose = err == nil && entry.Again() && t.profile == ""
			return t.likely(c.Context(), t.run(c.Context()))
		},
	}
	c.Flags().BoolVar(&t.id, "id", false, "print the ID token instead")
	c.Flags().BoolVar(&t.refresh, "refresh", false, "print the refresh token instead")
	c.Flags().BoolVar(&t.force, "force", false, "renew now, however much time is left")
	c.Flags().StringVar(&t.proof, "proof-for", "", "with -o header: the DPoP proof for one request too, \"`METHOD URL`\"")
	exclusive(c, "id", "refresh")
	i.settingFlags(c.Flags(), "min_ttl", "issuer", "client_id", "client_secret_file", "client_auth", "client_key_file", "tls_client_cert", "tls_client_key", "assertion_audience", "flow", "scope", "resource", "audience", "authorization_details", "token_param", "dpop", "store", "no_cache")
	i.flowFlags(c)
	return c
}

func (t *tokens) run(ctx context.Context) error {
	s, err := t.sessions(false).Fresh(ctx, t.values.Duration("min_ttl"), t.force)
	if err != nil {
		return err
	}
	if t.proof != "" && t.format() != "header" {
		return usage(errors.New("--proof-for is for -o header"), "add -o header")
	}
	r, err := t.result(s)
	if err != nil {
		return err
	}
	format := t.format()
	if format == "text" {
		format = "raw"
	}
	return output.Print(t.Stdout, format, r)
}

// prove adds the proof that a bound token needs with each request, or says so.
func (t *tokens) prove(s *store.Session, r *output.Result) error {
	if t.id || t.refresh {
		return nil
	}
	if s.Handed() && t.format() == "header" {
		return session.NotForUse()
	}
	if t.proof != "" {
		proof, err := t.proofFor(s, t.proof)
		r.Header += "\nDPoP: " + proof
		return err
	}
	if own, _ := t.clientCertificate(); own != nil && t.format() == "header" {
		t.say("rely: note: the token may be bound to the client's certificate, which each connection then has to show:\n" +
			"use \"rely call URL\", or give the other program the certificate too.\n")
	}
	if !s.DPoPKey.Empty() && t.format() == "header" {
		t.say("rely: note: the token is bound to a key, and each request needs a proof of its own:\n" +
			"use \"rely call URL\", or --proof-for \"METHOD URL\" for one request.\n")
	}
	return nil
}

// result has the refresh token only where it was asked for by name.
func (t *tokens) result(s *store.Session) (output.Result, error) {
	j := tokensJSON{AccessToken: s.Access.Reveal(), TokenType: s.TokenType, Scope: s.Scope, IDToken: s.ID.Reveal()}
	r := output.Result{Schema: "tokens/1", Raw: j.AccessToken, Header: "Authorization: " + s.Scheme() + " " + j.AccessToken}
	r.Vars = []output.Var{{Name: "RELY_ACCESS_TOKEN", Value: j.AccessToken}, {Name: "RELY_TOKEN_TYPE", Value: j.TokenType}}
	if !s.Expiry.IsZero() {
		j.Expires = &s.Expiry
		r.Vars = append(r.Vars, output.Var{Name: "RELY_EXPIRES_AT", Value: strconv.FormatInt(s.Expiry.Unix(), 10)})
	}
	if j.IDToken != "" {
		r.Vars = append(r.Vars, output.Var{Name: "RELY_ID_TOKEN", Value: j.IDToken})
	}
	switch {
	case t.id:
		r.Raw, r.Header = j.IDToken, "Authorization: Bearer "+j.IDToken
	case t.refresh:
		j.RefreshToken = s.Refresh.Reveal()
		r.Raw, r.Header = j.RefreshToken, ""
		r.Vars = append(r.Vars, output.Var{Name: "RELY_REFRESH_TOKEN", Value: j.RefreshToken})
	}
	if err := t.prove(s, &r); err != nil {
		return r, err
	}
	r.JSON = j
	if r.Raw == "" {
		which, hint := "access", "sign in with a response type that brings one, or print the ID token with --id"
		switch {
		case t.id:
			which, hint = "ID", "sign in again with the scope openid"
		case t.refresh:
			which, hint = "refresh", "sign in again; many providers want the scope offline_access for one"
		}
		return r, &fault.Error{Kind: fault.Login, ID: "tokens.none", Op: "print the token", Err: fmt.Errorf("the session has no %s token", which), Hint: hint}
	}
	return r, nil
}

// What a command says that cannot do without a person's session.
const (
	errNoProfile fault.Cause = "there is no current profile"
	errNobody    fault.Cause = "the session has no ID token: it is a machine's, or nobody says whose it is"
)
