package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/ask"
	"rely/internal/flows/request"
	"rely/internal/store"
)

// maxFile bounds a file that a setting names, in bytes.
const maxFile = 64 << 10

// ask fills in what the settings ask the provider for, and refuses what its
// metadata says that it cannot do.
func (k *Keeper) ask(ctx context.Context, r *flows.Request, entry flows.Entry, client *store.Client) error {
	var err error
	if r.Proven, err = k.holds(client); err != nil {
		return err
	}
	if r.Param, err = k.parameters(); err != nil {
		return err
	}
	if r.TokenParam, err = request.Parameters("token-param", k.Settings.List("token_param")); err != nil {
		return err
	}
	if entry.Person || entry.Elsewhere {
		if err := k.hint(ctx, r.Param, client); err != nil {
			return err
		}
	}
	// A resource is named at every token request (RFC 8707 2.2); the rest is
	// settled at the authorization endpoint where there is one.
	for _, name := range []string{"resource", "audience", "authorization_details"} {
		if r.Param.Has(name) && !r.TokenParam.Has(name) && (!entry.Person || name == "resource") {
			r.TokenParam[name] = r.Param[name]
		}
	}
	if r.Asked, err = ask.Read(r.Param, client.Metadata); err != nil {
		return err
	}
	notes, err := r.Asked.Possible(r.Param, &r.Provider.Metadata)
	for _, note := range notes {
		k.Note(note)
	}
	if err == nil && entry.Elsewhere {
		return k.signed(r, client)
	}
	if err != nil || !entry.Person {
		return err
	}
	if err := k.protect(r, client); err != nil || !k.Settings.Bool("fapi") {
		return err
	}
	return k.fapi(r, entry, client)
}

// Asked is what the settings ask for, without any hint.
func (k *Keeper) Asked() (*ask.Ask, error) {
	p, err := k.parameters()
	if err != nil {
		return nil, err
	}
	return ask.Read(p, nil)
}

// parameters are those of the settings and of --param. One that both give is
// refused, because only one of them could be meant.
func (k *Keeper) parameters() (url.Values, error) {
	p, err := request.Parameters("param", k.Settings.List("param"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"prompt", "max_age", "acr_values", "login_hint", "ui_locales", "claims_locales", "display", "authorization_details"} {
		value, err := k.file(name, k.Settings.String(name))
		if err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		if p.Has(name) {
			return nil, k.twice(name)
		}
		p.Set(name, value)
	}
	for _, name := range []string{"resource", "audience"} {
		if list := k.Settings.List(name); len(list) > 0 {
			p[name] = append(slices.Clone(list), p[name]...)
		}
	}
	var entries []string
	for _, entry := range k.Settings.List("claims") {
		if entry, err = k.file("claims", entry); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	claims, err := ask.Claims(entries)
	switch {
	case err != nil:
		return nil, &fault.Error{Kind: fault.Usage, ID: "ask.claims", Op: "read " + k.Settings.Where("claims"), Spec: "OIDC Core 5.5", Err: err,
			Hint: `write NAME, NAME! or NAME=VALUE, with userinfo: in front for UserInfo, or JSON as {"id_token":{"acr":{"essential":true}}}`}
	case claims != "" && p.Has("claims"):
		return nil, k.twice("claims")
	case claims != "":
		p.Set("claims", claims)
	}
	return p, nil
}

func (k *Keeper) twice(name string) error {
	return &fault.Error{Kind: fault.Usage, ID: "ask.twice", Op: "read the parameters", Err: fmt.Errorf("%s is given by %s and by %s", name, k.Settings.Where(name), k.Settings.Where("param")),
		Hint: "leave one of them out"}
}

// file is a setting's value, or what stands in the file that it names with @ in
// front, where that may be: in those that are JSON.
func (k *Keeper) file(name, value string) (string, error) {
	path, named := strings.CutPrefix(value, "@")
	if !named || name != "claims" && name != "authorization_details" {
		return value, nil
	}
	data, err := k.ReadFile(path)
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it has %d bytes, more than %d", len(data), maxFile)
	}
	if err != nil {
		return "", &fault.Error{Kind: fault.Config, ID: "ask.file", Op: "read the file of " + k.Settings.Where(name), Err: err, Hint: "check the path behind @"}
	}
	var compact json.RawMessage
	if json.Unmarshal(data, &compact) != nil {
		return strings.TrimSpace(string(data)), nil // whoever reads it says what is wrong
	}
	short, err := json.Marshal(compact)
	return string(short), err
}

// hint adds the ID token that says who is asked for (OIDC Core 3.1.2.1): the
// session's own, or a file's. It is never an argument of the command.
func (k *Keeper) hint(ctx context.Context, p url.Values, client *store.Client) error {
	token := ""
	switch path := k.Settings.String("id_token_hint_file"); {
	case path != "":
		data, err := k.ReadFile(path)
		if err == nil && len(data) > maxFile {
			err = fmt.Errorf("it has %d bytes, more than %d", len(data), maxFile)
		}
		if err != nil {
			return &fault.Error{Kind: fault.Config, ID: "ask.hint-file", Op: "read the ID token for the hint", Err: err, Hint: "check --id-token-hint-file"}
		}
		token = strings.TrimSpace(string(data))
	case k.Settings.Bool("id_token_hint"):
		st, err := k.Store()
		if err != nil {
			return err
		}
		s, err := st.Session(ctx, k.Profile)
		if err != nil {
			return err
		}
		if s.Issuer != client.Issuer || s.ID.Empty() {
			return &fault.Error{Kind: fault.Login, ID: "ask.no-hint", Op: "read the ID token for the hint", Err: errors.New("the profile's session has no ID token of this issuer"),
				Hint: "sign in without --id-token-hint, with the scope openid"}
		}
		token = s.ID.Reveal()
	default:
		return nil
	}
	if p.Has("id_token_hint") {
		return k.twice("id_token_hint")
	}
	k.Learn(token)
	p.Set("id_token_hint", token)
	return nil
}
