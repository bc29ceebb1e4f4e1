package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
)

// offered are about what the metadata says that a client may ask for.
func offered() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L38", Name: "claims-parameter", Title: "a claim that is asked for by the claims parameter comes, in the ID token and from UserInfo", Stage: "account", Severity: check.Warning, Section: "OIDC Core 5.5, 5.5.1",
			Why: "A client that asks for one claim, and not for all of a scope, is left without it.", Fix: "answer claims by name, or set claims_parameter_supported to false",
			Unknown: "It asks for a claim that the scopes brought a moment ago. A provider may still leave it out: its rules for claims, or the person's word, may say so."}, Login: true, Given: true, Run: claimsParameter},
		{Check: check.Check{ID: "L39", Name: "acr", Title: "acr is in the ID token where acr_values asked for one, and is one of those that are listed", Stage: "tokens", Severity: check.Info, Section: "OIDC Core 2, 3.1.2.1, 5.5.1.1",
			Why: "A client cannot tell how the person signed in, and asks for a second factor that nobody checks.", Fix: "put the acr that was reached into the ID token, or leave acr_values_supported out",
			Unknown: "acr_values is a wish: acr is a voluntary claim there, and may be left out. It asks for the first that is listed, in the session of the sign-in."}, Robot: true, Login: true, Given: true, Run: acrAsked},
	}
}

// known is a claim about the person that UserInfo tells for a scope; empty where
// there is none.
func known(ctx context.Context, p *trial.Patient) (string, error) {
	scopes, _ := p.Evidence.List("scopes_supported")
	scope := "openid"
	for _, s := range []string{"profile", "email"} {
		if slices.Contains(scopes, s) {
			scope += " " + s
		}
	}
	g, err := p.SignIn(ctx, p.Client, func(q url.Values) { q.Set("scope", scope) })
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return "", err
	}
	a, _, err := p.UserInfo(ctx, http.MethodGet, g)
	if err != nil || p.Dry != nil {
		return "name", err
	}
	for _, name := range []string{"name", "email", "given_name", "family_name", "nickname", "preferred_username"} {
		if v, _ := trial.Text(a, name); v != "" {
			return name, nil
		}
	}
	return "", nil
}

func claimsParameter(ctx context.Context, p *trial.Patient) error {
	if offered, _ := p.Evidence.Flag("claims_parameter_supported"); !offered {
		p.Skip("the provider does not offer the claims parameter (claims_parameter_supported)")
		return nil
	}
	name, err := known(ctx, p)
	if err != nil {
		return err
	}
	if name == "" {
		p.Skip("UserInfo tells no name and no email address that could be asked for, whatever the scope")
		return nil
	}
	one := map[string]any{name: map[string]bool{"essential": true}}
	text, _ := json.Marshal(map[string]any{"id_token": one, "userinfo": one}) // texts and flags
	g, err := p.SignIn(ctx, p.Client, func(q url.Values) { q.Set("claims", string(text)) })
	if no := (*trial.Refusal)(nil); errors.As(err, &no) {
		p.Found("claims", string(text)+": "+strings.TrimSuffix(no.Code+" ("+no.Description+")", " ()"), "a code")
		return nil
	}
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return err
	}
	a, ok, err := p.UserInfo(ctx, http.MethodGet, g)
	if err != nil || p.Dry != nil {
		return err
	}
	if _, there := trial.Claims(g.IDToken).All[name]; !there {
		p.Found("id_token", "no "+name+", though it was asked for as {\"essential\":true}, and the scopes bring it", name)
	}
	if v, _ := trial.Text(a, name); ok && v == "" {
		p.Found("userinfo_endpoint", "no "+name+", though it was asked for as {\"essential\":true}, and the scopes bring it", name)
	}
	return nil
}

func acrAsked(ctx context.Context, p *trial.Patient) error {
	listed, _ := p.Evidence.List("acr_values_supported")
	if len(listed) == 0 {
		p.Skip("the provider lists no acr_values_supported")
		return nil
	}
	whole, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	// What the robot cannot reach is a page, and it types nothing there.
	g, a, err := p.Silently(ctx, whole.Client, func(q url.Values) { q.Set("acr_values", listed[0]) })
	if err != nil || p.Dry != nil {
		return err
	}
	if g == nil || g.Response.Get("code") == "" {
		p.Skip("in the session of the sign-in acr_values=%s is answered with %s", listed[0], outcome(g, trial.Described(a)))
		return nil
	}
	if err := p.Take(ctx, whole.Client, g); err != nil {
		return err
	}
	said := trial.Claims(g.IDToken).All
	if said == nil {
		p.Skip("there is no ID token to read, which L15 tells")
		return nil
	}
	var acr string
	raw, there := said["acr"]
	switch isText := json.Unmarshal(raw, &acr) == nil; {
	case !there:
		p.Found("acr", "none, though acr_values="+listed[0]+" asked for it", "the one that was reached")
	case !isText:
		p.FoundAs(check.Warning, "acr", string(raw), "a text")
	case !slices.Contains(listed, acr):
		p.Found("acr", acr, "one of acr_values_supported: "+strings.Join(listed, ", "))
	}
	return nil
}
