package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/wire"
)

// present is what "rely introspect" and "rely revoke" have in common: a token
// of the session, or one from elsewhere, taken to the provider by the client.
type present struct {
	*invocation
	refresh, secretStdin bool
	hint                 string

	st   store.Store
	kept *store.Session // of the profile; nil where there is none
	made *store.Client  // that proves itself
}

func (p *present) flags(c *cobra.Command, verb string) {
	c.Flags().BoolVar(&p.refresh, "refresh", false, verb+" the session's refresh token instead")
	c.Flags().StringVar(&p.hint, "token-type-hint", "", "`KIND` of a token from elsewhere: access_token or refresh_token")
	c.Flags().BoolVar(&p.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	p.settingFlags(c.Flags(), "issuer", "client_id", "client_secret_file", "client_auth", "client_key_file", "tls_client_cert", "tls_client_key", "assertion_audience", "store")
	_ = c.RegisterFlagCompletionFunc("token-type-hint", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"access_token", "refresh_token"}, cobra.ShellCompDirectiveNoFileComp
	})
	exclusive(c, "client-secret-stdin", "client-secret-file")
}

// token is the one that the arguments name: "-" is standard input, anything
// else a file, nothing the session's own. Nothing is renewed: an old token is
// worth asking about.
func (p *present) token(ctx context.Context, op string, args []string) (secret.String, error) {
	if p.profile != "" {
		st, err := p.store()
		if err != nil {
			return secret.String{}, err
		}
		p.st = st
		s, err := st.Session(ctx, p.profile)
		switch {
		case err == nil && s.Issuer == p.values.String("issuer") && s.ClientID == p.values.String("client_id"):
			p.kept = s
		case err != nil && !fault.Is(err, fault.Login):
			return secret.String{}, err
		case err != nil && len(args) == 0:
			return secret.String{}, err
		}
	}
	if len(args) == 1 {
		return p.elsewhere(args[0])
	}
	if p.hint != "" {
		return secret.String{}, usage(errors.New("--token-type-hint is for a token from elsewhere, and none is given"), "give a file or \"-\", or --refresh for the session's refresh token")
	}
	if p.kept == nil {
		return secret.String{}, &fault.Error{Kind: fault.Login, ID: "session.none", Op: op, Err: errors.New("there is no session of this client"),
			Hint: "sign in with \"rely login\", or give the token in a file or by \"-\""}
	}
	token, which := p.kept.Access, "access"
	p.hint = "access_token"
	if p.refresh {
		token, which, p.hint = p.kept.Refresh, "refresh", "refresh_token"
	}
	if token.Empty() {
		return token, &fault.Error{Kind: fault.Login, ID: "tokens.none", Op: op, Err: fmt.Errorf("the session has no %s token", which),
			Hint: "give another token in a file or by \"-\""}
	}
	return token, nil
}

// elsewhere reads a token that is not the session's; it is a secret all the
// same.
func (p *present) elsewhere(from string) (secret.String, error) {
	if p.refresh {
		return secret.String{}, usage(errors.New("--refresh is the session's token, and another is given"), "use --token-type-hint refresh_token for a token from elsewhere")
	}
	if from == "-" && p.secretStdin {
		return secret.String{}, usage(errors.New("the token and --client-secret-stdin cannot both come from standard input"), "give the token in a file")
	}
	switch p.hint {
	case "", "access_token", "refresh_token":
	default:
		return secret.String{}, usage(fmt.Errorf("--token-type-hint %q is no kind of token", p.hint), "use access_token or refresh_token (RFC 7009 2.1)")
	}
	token, err := p.SecretFile(from, "the token")
	p.redact.Learn(token.Reveal())
	return token, err
}

// proven is the provider, with the client proving itself on the way.
func (p *present) proven(ctx context.Context) (*provider.Provider, *wire.Client, error) {
	k := p.sessions(p.secretStdin)
	var err error
	if p.made, err = k.Client(ctx); err != nil {
		return nil, nil, err
	}
	return k.Proven(ctx, p.made)
}

// learnSession makes a session's tokens known as secrets.
func (i *invocation) learnSession(s *store.Session) {
	for _, token := range []secret.String{s.Access, s.Refresh, s.ID} {
		i.redact.Learn(token.Reveal())
	}
}
