package flows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/provider"
	"rely/internal/secret"
)

// Exchange is the token exchange (RFC 8693): whoever holds one token gets
// another, of another kind or for another service.
type Exchange struct{}

const exchangeOp = "exchange the token"

// Possible implements [Flow].
func (Exchange) Possible(m *provider.Metadata) error {
	return m.Names("token_endpoint")
}

// Run implements [Flow].
func (Exchange) Run(ctx context.Context, r *Request) (*Tokens, error) {
	form := scoped(r, url.Values{"grant_type": {request.TokenExchange}})
	subject, kind, err := exchanged(ctx, r)
	if err != nil {
		return nil, err
	}
	form.Set("subject_token", subject.Reveal())
	form.Set("subject_token_type", tokenType(kind))
	actor, err := r.Given("actor_token", "the actor's token")
	if err != nil {
		return nil, err
	}
	switch kind := r.Text("actor_token_type"); {
	case !actor.Empty():
		if kind == "" {
			kind = "access_token"
		}
		form.Set("actor_token", actor.Reveal())
		form.Set("actor_token_type", tokenType(kind))
	case kind != "":
		return nil, missing("token-exchange", "an actor's token, because its type is given (RFC 8693 2.1),", "give it with --actor-token-file FILE or RELY_ACTOR_TOKEN")
	}
	want := tokenType(r.Text("requested_token_type"))
	if want != "" {
		form.Set("requested_token_type", want)
	}
	t, err := r.Redeem(ctx, exchangeOp, form)
	if err != nil {
		return nil, err
	}
	if err := issued(t, want); err != nil {
		return nil, err
	}
	if err := checked(ctx, r, t); err != nil {
		return nil, err
	}
	return t, r.Kept(t)
}

// exchanged is the token to exchange, and its type: given, or whose --subject
// says.
func exchanged(ctx context.Context, r *Request) (secret.String, string, error) {
	kind, from := r.Text("subject_token_type"), r.Text("subject")
	given, err := r.Given("subject_token", "the subject's token")
	switch {
	case err != nil:
		return given, "", err
	case from == "" && given.Empty():
		return given, "", missing("token-exchange", "a token to exchange", "give it with --subject-token-file FILE or RELY_SUBJECT_TOKEN, or say --subject ci or --subject session")
	case from == "":
		return given, either(kind, "access_token"), nil
	case !given.Empty():
		return given, "", &fault.Error{Kind: fault.Usage, ID: "token-exchange.subject", Op: "use the flow token-exchange",
			Err: errors.New("a token is given, and --subject says to take another"), Hint: "leave one of them out"}
	case from == "ci":
		token, err := r.Job(ctx, r.Text("ci_audience"))
		return token, either(kind, "jwt"), err
	case from == "session":
		return sessionToken(ctx, r, either(kind, "access_token"))
	}
	return given, "", &fault.Error{Kind: fault.Usage, ID: "token-exchange.subject", Op: "use the flow token-exchange",
		Err: fmt.Errorf("%q is nobody whose token rely can take", from), Hint: "use --subject ci or --subject session, or give the token with --subject-token-file FILE"}
}

// sessionToken is a token of the profile's own session.
func sessionToken(ctx context.Context, r *Request, kind string) (secret.String, string, error) {
	own, err := r.Own(ctx)
	if err != nil {
		return secret.String{}, "", err
	}
	token := map[string]secret.String{"access_token": own.Access, "refresh_token": own.Refresh, "id_token": own.ID}[strings.TrimPrefix(kind, typePrefix)]
	if token.Empty() {
		return token, "", &fault.Error{Kind: fault.Usage, ID: "token-exchange.session", Op: "use the flow token-exchange",
			Err: fmt.Errorf("the session has no token of the type %s", kind), Hint: "use --subject-token-type access_token, id_token or refresh_token"}
	}
	return token, kind, nil
}

const typePrefix = "urn:ietf:params:oauth:token-type:"

// tokenType is a token type as it is sent: a short name is one of the
// registered ones (RFC 8693 3).
func tokenType(name string) string {
	if name == "" || strings.Contains(name, ":") {
		return name
	}
	return typePrefix + name
}

// issued checks what the answer says of itself (RFC 8693 2.2.1).
func issued(t *Tokens, want string) error {
	f := &fault.Error{Kind: fault.Protocol, ID: "token-exchange.issued-type", Op: exchangeOp, Spec: "RFC 8693 2.2.1", Hint: "have the provider mend its token exchange"}
	switch {
	case t.IssuedType == "":
		f.Err = errors.New("the answer has no issued_token_type")
	case want != "" && t.IssuedType != want:
		f.Err = fmt.Errorf("a token of the type %s was asked for, and %.200q was issued", want, t.IssuedType)
	default:
		return nil
	}
	return f
}

func either(given, standard string) string {
	if given == "" {
		return standard
	}
	return given
}
