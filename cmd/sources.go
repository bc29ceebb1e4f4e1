package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/provider/sources"
	"rely/internal/store"
)

// sourceJSON is one source of claims, and what became of it.
type sourceJSON struct {
	Name     string                     `json:"name"`
	Kind     string                     `json:"kind,omitempty"`
	Status   string                     `json:"status"`
	Issuer   string                     `json:"issuer,omitempty"`
	Endpoint string                     `json:"endpoint,omitempty"`
	Names    []string                   `json:"claim_names"`
	Claims   map[string]json.RawMessage `json:"claims,omitempty"`
	Note     string                     `json:"note,omitempty"`
	Error    string                     `json:"error,omitempty"`
}

// sources resolves the claims that are elsewhere.
func (i *invocation) sources(ctx context.Context, s *store.Session, claims map[string]json.RawMessage) ([]sources.Source, error) {
	hc, err := i.http()
	if err != nil {
		return nil, err
	}
	if mine, err := i.clientCertificate(); err != nil {
		return nil, err
	} else if i.base != nil && mine != nil { // the certificate is for the provider alone
		own := *hc
		own.Base, hc = i.traced(i.base.Anonymous()), &own
	}
	r := sources.Resolver{HTTP: hc, Issuer: s.Issuer, ClientID: s.ClientID, Now: i.Now, Learn: i.redact.Learn}
	return r.Resolve(ctx, claims)
}

// concealed has the access tokens of sources struck out: they were not asked
// for by name.
func (i *invocation) concealed(claims map[string]json.RawMessage) map[string]json.RawMessage {
	raw, there := claims["_claim_sources"]
	if !there {
		return claims
	}
	out := map[string]json.RawMessage{}
	for name, value := range claims {
		out[name] = value
	}
	var b bytes.Buffer
	if json.Compact(&b, []byte(i.redact.JSON(raw))) != nil {
		b.Reset()
		b.WriteString("null")
	}
	out["_claim_sources"] = b.Bytes()
	return out
}

// resolved shows UserInfo with the claims of the sources that can be believed,
// and every source. The error is of the first that failed.
func (u *userinfo) resolved(ctx context.Context, s *store.Session, claims map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	all, err := u.sources(ctx, s, claims)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		u.say("rely: note: UserInfo names no source of further claims\n")
	}
	merged := sources.Merge(claims, all)
	list := []sourceJSON{}
	for _, s := range all {
		list = append(list, sourceJSON{s.Name, s.Kind, s.Status, s.Issuer, s.Endpoint, s.Names, s.Claims, s.Note, message(s.Err)})
	}
	text := layOut(merged, u.Now()) + sourceTable(all)
	err = output.Print(u.Stdout, u.format(), output.Result{Schema: "userinfo-sources/1", JSON: map[string]any{"claims": merged, "sources": list}, Text: text})
	if err == nil {
		err = firstFailed(all)
	}
	return merged, err
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return fault.VisibleUpTo(err.Error(), 500)
}

func firstFailed(all []sources.Source) error {
	for _, s := range all {
		if s.Err != nil {
			return s.Err
		}
	}
	return nil
}

// sourceTable tells a person of each source who vouches for what.
func sourceTable(all []sources.Source) string {
	var b strings.Builder
	if len(all) > 0 {
		b.WriteString("sources\n")
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	const shown = 20
	for _, s := range all[:min(len(all), shown)] {
		said := "signed by " + s.Issuer + ": " + strings.Join(s.Names, ", ")
		status := s.Status
		switch s.Status {
		case sources.Unverified:
			said = s.Note + "; left out: " + strings.Join(s.Names, ", ")
		case sources.Unused:
			said = s.Note
		case sources.Failed:
			status, said = "FAILED", because(s.Err)
		}
		kind := s.Kind
		if kind == "" {
			kind = "unknown"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", fault.VisibleUpTo(s.Name, 60), kind, status, fault.VisibleUpTo(said, 300))
	}
	if len(all) > shown {
		fmt.Fprintf(w, "  (%d more)\n", len(all)-shown)
	}
	_ = w.Flush() // to memory: cannot fail
	return b.String()
}

// cause is what happened, without what was being done.
func because(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}
