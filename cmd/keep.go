package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/registration"
	"rely/internal/store"
)

// issuerArgument takes the argument ISSUER as if it were --issuer.
func issuerArgument(c *cobra.Command, args []string) error {
	if len(args) == 0 || c.Flags().Changed("issuer") {
		return nil
	}
	if !strings.Contains(args[0], "://") {
		return usage(fmt.Errorf("the issuer %q is no URL", args[0]), "write it as https://"+args[0])
	}
	return c.Flags().Set("issuer", args[0])
}

// keepSettings writes what was learnt, and the settings that were given on the
// command line or in variables, into the profile, and makes it the current one
// where the person named none.
func (i *invocation) keepSettings(learnt ...config.Change) error {
	if i.files.Dir == "" {
		return nil
	}
	var changes []config.Change // in the table's order, which a reader expects
	for _, name := range clientSettings() {
		at := slices.IndexFunc(learnt, func(c config.Change) bool { return c.Name == name })
		switch src := i.values.Source(name); {
		case at >= 0:
			changes = append(changes, learnt[at])
		case src == config.FromFlag || src == config.FromVariable:
			changes = append(changes, config.Change{Name: name, Values: i.all(name)})
		}
	}
	news := func(c config.Change) bool { return !i.values.Kept(c.Name, c.Values) }
	// Most sign-ins are with what the profile says already.
	if len(learnt) > 0 || slices.ContainsFunc(changes, news) || !i.files.Exists(i.profile) {
		if err := i.files.Set(i.profile, changes); err != nil {
			return err
		}
	}
	current, err := i.files.Current()
	if err != nil {
		return err
	}
	if current == "" || !i.named {
		return i.files.Use(i.profile)
	}
	return nil
}

// all is a setting's value as a list, as a profile takes it.
func (i *invocation) all(name string) []string {
	if s, _ := config.Find(name); s.Kind.Many() {
		return i.values.List(name)
	}
	return []string{i.values.String(name)}
}

// learnt are the settings that follow from a client's record. An empty one is
// removed: the profile must not say what is no longer so.
func learnt(clientID string, record map[string]any, redirectURI string) []config.Change {
	text := func(name, value string) config.Change {
		if value == "" {
			return config.Change{Name: name}
		}
		return config.Change{Name: name, Values: []string{value}}
	}
	out := []config.Change{text("client_id", clientID), text("client_auth", registration.TextOf(record, "token_endpoint_auth_method")), text("redirect_uri", redirectURI)}
	for _, name := range registeredSettings() {
		if _, member := registration.Find(name); member {
			out = append(out, text(name, registration.TextOf(record, name)))
		}
	}
	if record["dpop_bound_access_tokens"] == true {
		out = append(out, text("dpop", "true"))
	}
	return out
}

// registeredSettings are the settings that have to be as the client is
// registered. A new client has its own.
func registeredSettings() []string {
	return []string{"client_id", "client_auth", "redirect_uri", "authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
		"id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
		"userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
		"backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"}
}

// recordOf is what is kept of a client's registration; empty where nothing is.
func recordOf(c *store.Client) map[string]any {
	var record map[string]any
	if c == nil || len(c.Metadata) == 0 || json.Unmarshal(c.Metadata, &record) != nil {
		return map[string]any{}
	}
	return record
}

// storeClient is a client as the store keeps it.
func storeClient(issuer string, c *registration.Client, record map[string]any) (*store.Client, error) {
	js, err := json.Marshal(record)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: "keep the client", Err: err}
	}
	return &store.Client{Issuer: issuer, ClientID: c.ID, Secret: c.Secret, SecretExpires: c.SecretExpires,
		RegistrationToken: c.RegistrationToken, RegistrationURI: c.RegistrationURI, Metadata: js}, nil
}

// learn makes a client's secrets known as such.
func (i *invocation) learn(c *store.Client) {
	if c != nil {
		i.redact.Learn(c.Secret.Reveal())
		i.redact.Learn(c.RegistrationToken.Reveal())
	}
}

// fallbacks are the other redirect URIs that a client has registered, for when
// the first one's port is busy.
func fallbacks(c *store.Client, first string) []string {
	var out []string
	for _, uri := range registration.ListOf(recordOf(c), "redirect_uris") {
		if uri != first && registration.CheckRedirect(uri, false) == nil {
			out = append(out, uri)
		}
	}
	return out
}

// forms refuses an output format that the result will not have, before
// anything is done.
func (i *invocation) forms(names ...string) error {
	if slices.Contains(names, i.format()) {
		return nil
	}
	return &fault.Error{Kind: fault.Usage, ID: "output.no-form", Op: "choose the output format", Err: fmt.Errorf("this result has no %s form", i.format()),
		Hint: "use --output json or text"}
}

// keepsNothing refuses to make what could not be kept.
func (i *invocation) keepsNothing(op string) error {
	if i.files.Dir != "" && i.Dirs.State != "" && i.values.String("store") != "memory" {
		return nil
	}
	err := errors.New("there is no folder to keep the client in")
	hint := "set HOME or RELY_HOME"
	if i.values.String("store") == "memory" {
		err, hint = errors.New("the store memory would lose the client at the end of the command"), "choose another --store"
	}
	return &fault.Error{Kind: fault.Config, ID: "registration.no-folder", Op: op, Err: err, Hint: hint}
}
