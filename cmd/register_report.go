package cmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/jose"
	"rely/internal/output"
	"rely/internal/registration"
	"rely/internal/store"
)

// clientJSON is a client without its secrets: schema client/1.
type clientJSON struct {
	Profile         string                    `json:"profile"`
	Source          string                    `json:"source"` // "provider" or "local"
	Issuer          string                    `json:"issuer"`
	ClientID        string                    `json:"client_id"`
	HasSecret       bool                      `json:"has_client_secret"`
	Secret          string                    `json:"client_secret,omitempty"` // asked for by name
	SecretExpires   *time.Time                `json:"client_secret_expires_at,omitempty"`
	RegistrationURI string                    `json:"registration_client_uri,omitempty"`
	HasKeys         bool                      `json:"has_keys"`
	Metadata        map[string]any            `json:"metadata"`
	Differences     []registration.Difference `json:"differences,omitempty"`
	Choices         map[string]string         `json:"choices,omitempty"`
	Checks          []checkJSON               `json:"checks,omitempty"`
	Notes           []string                  `json:"notes,omitempty"`
}

func clientResult(profile, source string, c *store.Client) clientJSON {
	out := clientJSON{Profile: profile, Source: source, Issuer: c.Issuer, ClientID: c.ClientID, HasSecret: !c.Secret.Empty(), RegistrationURI: c.RegistrationURI,
		HasKeys: !c.Keys.Empty(), Metadata: recordOf(c)}
	if !c.SecretExpires.IsZero() {
		out.SecretExpires = &c.SecretExpires
	}
	return out
}

// report tells what was made and chosen, and what the provider changed.
func (r *register) report(made *registration.Made, plan *registration.Plan, record map[string]any) error {
	c, err := storeClient(r.values.String("issuer"), made.Client, record)
	if err != nil {
		return err
	}
	c.Keys = r.keys
	out := clientResult(r.profile, "provider", c)
	out.Differences, out.Notes, out.Choices = made.Differences, made.Notes, map[string]string{}
	for _, note := range made.Notes {
		r.say("rely: note: %s\n", fault.VisibleUpTo(note, 500))
	}
	r.say("Registered the client %s at %s (profile %s).\n", fault.VisibleUpTo(made.ID, 200), fault.Visible(c.Issuer), r.profile)
	why := made.Redirect.Why
	if kind := registration.TextOf(record, "application_type"); kind != "" {
		why += "; a " + kind + " application"
	}
	r.line("redirect URI", strings.Join(made.Redirect.URIs, " "), why)
	for _, choice := range plan.Choices {
		out.Choices[choice.Member] = choice.Why
		r.line(choice.Member, shown(record[choice.Member]), choice.Why)
	}
	if !r.keys.Empty() {
		r.line("own keys", strings.Join(r.generate.values, " "), "made here; the private halves lie in the store")
	}
	r.proves(record)
	r.sayExpiry(c)
	r.differ(made.Differences)
	if old := r.replaced; old != nil && old.RegistrationURI != "" {
		r.say("rely: note: the client %s stays at %s and is forgotten here.\n", fault.VisibleUpTo(old.ClientID, 200), fault.Visible(old.Issuer))
	}
	if c.RegistrationURI == "" {
		r.say("rely: note: the provider gave no way to change or delete the client from here.\n")
	}
	// A person who signs in by the browser comes back to a redirect URI.
	flow, err := flows.Find(r.values.String("flow"))
	if err == nil && flow.Elsewhere {
		r.say("Have somebody asked with: rely login%s --login-hint NAME\n", r.suffix())
	} else if err == nil && flow.Person && (len(flow.Types) == 0 || len(made.Redirect.URIs) > 0) {
		r.say("Sign in with: rely login%s\n", r.suffix())
	} else {
		r.say("Get a token with: rely tokens%s\n", r.suffix())
	}
	if r.format() == "text" {
		return nil
	}
	return output.Print(r.Stdout, r.format(), output.Result{Schema: "client/1", JSON: out})
}

// proves tells where rely itself cannot do yet what was asked for, or not
// without a key that it does not have.
func (r *register) proves(record map[string]any) {
	method := registration.TextOf(record, "token_endpoint_auth_method")
	if method != "" && checkName("client_auth", method) != nil {
		r.say("rely: note: rely cannot prove a client with %s yet; other programs can use this one.\n", fault.Visible(method))
	}
	if method == "private_key_jwt" && r.keys.Empty() && r.values.String("client_key_file") == "" {
		r.say("rely: note: rely has no private key for this client; name its file with --client-key-file when signing in.\n")
	}
	for _, what := range []string{"id_token", "authorization"} {
		name := map[string]string{"id_token": "ID tokens", "authorization": "authorization responses"}[what]
		e := jose.Encryption{Alg: registration.TextOf(record, what+"_encrypted_response_alg")}
		if e.Asymmetric() && r.keys.Empty() && r.values.String("client_key_file") == "" {
			r.say("rely: note: rely has no private key that decrypts this client's %s; name its file with --client-key-file when signing in.\n", name)
		}
	}
}

// line is one fact of a report with its reason.
func (i *invocation) line(name, value, why string) {
	if value == "" {
		value = "-"
	}
	if why != "" {
		why = "  (" + why + ")"
	}
	i.say("  %-30s %s%s\n", name, fault.VisibleUpTo(value, 300), why)
}

// suffix names the profile in a command, where it is not the current one.
func (i *invocation) suffix() string {
	if current, err := i.files.Current(); err == nil && current == i.profile {
		return ""
	}
	return " -p " + i.profile
}

// sayExpiry tells when the client's secret ends (RFC 7591 3.2.1).
func (i *invocation) sayExpiry(c *store.Client) {
	if !c.Secret.Empty() && !c.SecretExpires.IsZero() {
		i.line("client_secret_expires_at", c.SecretExpires.Format(time.RFC3339), "rely warns a week ahead")
	}
}

// differ lists what the provider registered otherwise than asked. What it
// added of its own shows with -v.
func (i *invocation) differ(differences []registration.Difference) {
	var shownOnce bool
	for _, d := range differences {
		if d.What == "added" && i.verbose() == 0 {
			continue
		}
		if !shownOnce {
			i.say("The provider did not register everything as asked:\n")
			shownOnce = true
		}
		switch d.What {
		case "dropped":
			i.line(d.Member, "dropped", "asked for "+fault.VisibleUpTo(raw(d.Asked), 120))
		case "added":
			i.line(d.Member, raw(d.Got), "added by the provider")
		default:
			i.line(d.Member, raw(d.Got), "asked for "+fault.VisibleUpTo(raw(d.Asked), 120))
		}
	}
}

func raw(js json.RawMessage) string {
	var v any
	if json.Unmarshal(js, &v) != nil {
		return string(js)
	}
	if text := shown(v); text != "" {
		return text
	}
	return string(js)
}

// shown is a member's value for a person.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, " ")
	case []any:
		parts := make([]string, len(v))
		for n, e := range v {
			parts[n] = shown(e)
		}
		return strings.Join(parts, " ")
	}
	js, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(js)
}

// steadyPorts are free ports of 127.0.0.1 to be registered for good. They lie
// below what systems give to outgoing connections, so that they stay free.
func steadyPorts(ctx context.Context, n int) ([]int, error) {
	const lowest, span = 20000, 12000
	var out []int
	for range 50 {
		offset, err := rand.Int(rand.Reader, big.NewInt(span))
		if err != nil {
			break
		}
		port := lowest + int(offset.Int64())
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = l.Close()
		if !slices.Contains(out, port) {
			out = append(out, port)
		}
		if len(out) == n {
			return out, nil
		}
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "registration.port", Op: "find a free port", Err: errors.New("none of 50 was free on 127.0.0.1"),
		Hint: fmt.Sprintf("name one with --redirect-uri https://127.0.0.1:%d/callback", lowest)}
}
