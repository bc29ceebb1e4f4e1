package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/config/foreign"
	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/preset"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/wire"
)

// registerImport takes a client over from another program's file.
type registerImport struct {
	register // for the client that the profile has already
}

// importJSON is what was taken over: schema import/1.
type importJSON struct {
	clientJSON
	Format   string              `json:"format"`
	Settings map[string][]string `json:"settings"`
	Unknown  []unknownJSON       `json:"without_counterpart"`
}

type unknownJSON struct {
	Name string `json:"name"`
	Line int    `json:"line,omitempty"`
	Why  string `json:"why,omitempty"`
}

func newRegisterImport(i *invocation) *cobra.Command {
	r := &registerImport{register{invocation: i}}
	var known strings.Builder
	for _, f := range foreign.Formats() {
		known.WriteString("  - " + f.Help + "\n")
	}
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Take a client over from another program's file",
		Long: `Makes a profile of what another program keeps about a client, and tells what was
taken and which keys have no counterpart. Secrets go into the store. Nothing is run
and the provider is not asked; FILE may be - for standard input. It can be

` + known.String() + `
A flag wins over the file, and fills in what the file leaves out.`,
		Example: `  rely register import demosite.cfg -p gluu
  rely register import client_secret.json
  rely register import export.json --provider keycloak --provider-param base-url=https://sso.example --provider-param realm=demo`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.settingsOnly(c); err != nil {
				return err
			}
			if r.secretStdin && args[0] == "-" {
				return usage(errors.New("the file and the secret cannot both stand on standard input"), "give the secret with --client-secret-file")
			}
			return r.importFile(c, args[0])
		},
	}
	i.settingFlags(c.Flags(), clientSettings()...)
	i.settingFlags(c.Flags(), "client_secret_file")
	providerFlags(c)
	c.Flags().BoolVar(&r.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	c.Flags().BoolVar(&r.replace, "replace", false, "let the profile forget the client that it has")
	exclusive(c, "client-secret-stdin", "client-secret-file")
	return c
}

func (r *registerImport) importFile(c *cobra.Command, name string) error {
	data, err := r.content(name)
	if err != nil {
		return err
	}
	rec, err := foreign.Read(name, data)
	if err != nil {
		return err
	}
	r.redact.Learn(rec.ClientSecret.Reveal())
	r.redact.Learn(rec.RegistrationToken.Reveal())
	if err := r.settle(c, rec); err != nil {
		return err
	}
	if rec.ClientSecret, err = r.secretOf(c, rec); err != nil {
		return err
	}
	if err := r.keepsNothing("import the client"); err != nil {
		return err
	}
	if r.kept, err = r.store(); err != nil {
		return err
	}
	unlock, err := r.kept.Lock(c.Context(), r.profile)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.existing(c.Context()); err != nil {
		return err
	}
	client, err := r.client(rec)
	if err == nil {
		err = r.save(c.Context(), client)
	}
	if err != nil {
		return err
	}
	return r.tell(name, rec, client)
}

// content is the file, or standard input, up to the size that foreign reads.
func (r *registerImport) content(name string) ([]byte, error) {
	in := r.Stdin
	var err error
	if name != "-" {
		var f *os.File
		if f, err = os.Open(name); err == nil {
			defer f.Close()
			in = f
		}
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(in, foreign.MaxSize+1))
	}
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, &fault.Error{Kind: fault.Config, ID: "foreign.read", Op: "read " + name, Err: err, Hint: "check the file's name and mode"}
	}
	return data, nil
}

// settle puts flags over the file over a preset, and loads the profile so.
func (r *registerImport) settle(c *cobra.Command, rec *foreign.Record) error {
	flags := given(c.Flags())
	filled, err := presetSettings(c.Flags())
	if err == nil && filled == nil && rec.Provider != "" {
		var p preset.Preset
		if p, err = preset.Find(rec.Provider); err == nil {
			filled, err = p.Expand(nil)
		}
	}
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Settings)) {
		values := rec.Settings[name]
		if _, said := flags[name]; said {
			continue
		}
		if checkName(name, values[0]) != nil {
			rec.Unknown = append(rec.Unknown, foreign.Key{Name: name, Why: fmt.Sprintf("rely knows no %q", values[0])})
			continue
		}
		flags[name] = values
	}
	for name, values := range filled {
		switch have, said := flags[name]; {
		case !said:
			flags[name] = values
		case name == "param" || name == "token_param":
			flags[name] = withoutOverruled(have, values)
		}
	}
	if flags["issuer"] == nil {
		return &fault.Error{Kind: fault.Usage, ID: "foreign.issuer", Op: "import the client", Err: errors.New("the file does not say who the provider is"),
			Hint: "add --issuer URL, or --provider NAME (\"rely help providers\")"}
	}
	name := r.Env(config.Variable("profile"))
	if p, there := flags["profile"]; there {
		name = p[0]
	}
	if r.named = name != ""; !r.named {
		name = config.ProfileNameFor(flags["issuer"][0])
	}
	return r.load(name, flags, true)
}

// secretOf is the client's secret: a flag's, else the file's, else a
// variable's, which may be meant for another client.
func (r *registerImport) secretOf(c *cobra.Command, rec *foreign.Record) (secret.String, error) {
	if !rec.ClientSecret.Empty() && !r.secretStdin && !c.Flags().Changed("client-secret-file") {
		return rec.ClientSecret, nil
	}
	return r.secretOnce(r.secretStdin, "client_secret", "the client's secret")
}

// client is the record for the store; nil where the file names no client. What
// is known of the same client already stays, where the file does not say
// otherwise.
func (r *registerImport) client(rec *foreign.Record) (*store.Client, error) {
	c := &store.Client{Issuer: r.values.String("issuer"), ClientID: r.values.String("client_id")}
	if c.ClientID == "" {
		return nil, nil
	}
	if was := r.replaced; was != nil && was.Issuer == c.Issuer && was.ClientID == c.ClientID {
		same := *was
		c = &same
	}
	if !rec.ClientSecret.Empty() {
		c.Secret = rec.ClientSecret
	}
	if rec.RegistrationURI != "" {
		if _, err := wire.Endpoint("registration_client_uri", rec.RegistrationURI, c.Issuer); err != nil {
			var f *fault.Error
			if errors.As(err, &f) && f.Err != nil {
				err = f.Err
			}
			return nil, &fault.Error{Kind: fault.Config, ID: "foreign.registration-uri", Op: "import the client", Err: err, Spec: "RFC 7592 1.3",
				Hint: "correct the file, or leave the registration access token out of it"}
		}
		c.RegistrationURI = rec.RegistrationURI
	}
	if !rec.RegistrationToken.Empty() {
		c.RegistrationToken = rec.RegistrationToken
	}
	if len(rec.Metadata) > 0 {
		js, err := json.Marshal(rec.Metadata)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: "keep the client", Err: err}
		}
		c.Metadata = js
	}
	return c, nil
}

// save keeps the secrets first, then the profile, and takes the one back where
// the other cannot be written.
func (r *registerImport) save(ctx context.Context, client *store.Client) error {
	ctx = context.WithoutCancel(ctx)
	var gone []config.Change
	if r.replace {
		for _, name := range append(registeredSettings(), "scope", "flow", "param", "token_param") {
			if r.values.Source(name) == config.FromProfile {
				gone = append(gone, config.Change{Name: name}) // it suited another client
			}
		}
	}
	if client != nil {
		if err := r.kept.PutClient(ctx, r.profile, client); err != nil {
			return err
		}
	}
	if err := r.keepSettings(gone...); err != nil {
		return errors.Join(err, r.restore(ctx))
	}
	if !r.replace {
		return nil
	}
	err := r.kept.DeleteSession(ctx, r.profile)
	if client == nil {
		err = errors.Join(err, r.kept.DeleteClient(ctx, r.profile))
	}
	return err
}

// tell lists what was taken, what was not, and what to do next.
func (r *registerImport) tell(name string, rec *foreign.Record, client *store.Client) error {
	out := importJSON{Format: rec.Format, Settings: map[string][]string{}, Unknown: []unknownJSON{}}
	shownClient := client
	if shownClient == nil {
		shownClient = &store.Client{Issuer: r.values.String("issuer")}
	}
	out.clientJSON = clientResult(r.profile, "local", shownClient)
	out.Notes = rec.Notes
	r.say("Imported %s (%s) into profile %s:\n", fault.VisibleUpTo(name, 200), rec.Format, r.profile)
	for _, setting := range clientSettings() {
		if r.values.Source(setting) == config.FromFlag {
			out.Settings[setting] = r.all(setting)
			r.line(setting, strings.Join(r.all(setting), " "), "")
		}
	}
	r.tellSecrets(rec, client)
	if len(rec.Metadata) > 0 {
		r.say("Client metadata, kept with the client:\n")
		for _, member := range slices.Sorted(maps.Keys(rec.Metadata)) {
			r.line(member, shown(rec.Metadata[member]), "")
		}
	}
	if len(rec.Unknown) > 0 {
		r.say("Without counterpart:\n")
	}
	for n, k := range rec.Unknown {
		out.Unknown = append(out.Unknown, unknownJSON(k))
		switch {
		case n < 100:
			r.say("  %s\n", inWords(k))
		case n == 100:
			r.say("  ... and %d more\n", len(rec.Unknown)-n)
		}
	}
	for _, note := range rec.Notes {
		r.say("rely: note: %s.\n", fault.VisibleUpTo(note, 500))
	}
	if r.values.String("client_id") == "" {
		r.say("There is no client id yet. Register a client with: rely register%s\n", r.suffix())
	} else {
		r.say("Sign in with: rely login%s\n", r.suffix())
	}
	if r.format() == "text" {
		return nil
	}
	return output.Print(r.Stdout, r.format(), output.Result{Schema: "import/1", JSON: out})
}

func (r *registerImport) tellSecrets(rec *foreign.Record, client *store.Client) {
	inFile := !rec.ClientSecret.Empty() || !rec.RegistrationToken.Empty()
	switch {
	case inFile && client == nil:
		r.say("rely: note: the secrets are left out: they belong to a client without an id.\n")
		return
	case !inFile:
		return
	}
	if !rec.ClientSecret.Empty() {
		r.line("client_secret", "kept in the store", "")
	}
	if !rec.RegistrationToken.Empty() {
		r.line("registration_access_token", "kept in the store", "")
	}
	r.say("rely: note: the file still holds what is secret; delete it if no other program needs it.\n")
}

// inWords is a key without counterpart, with its place and the reason where
// there are any.
func inWords(k foreign.Key) string {
	text := fault.VisibleUpTo(k.Name, 100)
	if k.Line > 0 {
		text += fmt.Sprintf(" (line %d)", k.Line)
	}
	if k.Why != "" {
		text += ": " + fault.VisibleUpTo(k.Why, 200)
	}
	return text
}
