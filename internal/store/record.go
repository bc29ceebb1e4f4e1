package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// The records are the files' content. A schema may gain members; a member that
// changes its meaning needs the next number.
const (
	sessionSchema = "session/1"
	clientSchema  = "client/1"
)

type sessionRecord struct {
	Schema      string    `json:"schema"`
	Profile     string    `json:"profile"`
	Issuer      string    `json:"issuer"`
	ClientID    string    `json:"client_id"`
	Flow        string    `json:"flow,omitempty"`
	Subject     string    `json:"sub,omitempty"`
	Name        string    `json:"name,omitempty"`
	Scope       string    `json:"scope,omitempty"`
	TokenType   string    `json:"token_type,omitempty"`
	Access      string    `json:"access_token,omitempty"`
	Refresh     string    `json:"refresh_token,omitempty"`
	ID          string    `json:"id_token,omitempty"`
	Expiry      time.Time `json:"expiry,omitzero"`
	Obtained    time.Time `json:"obtained,omitzero"`
	Settings    string    `json:"settings,omitempty"`
	RedirectURI string    `json:"redirect_uri,omitempty"`
	Algs        []string  `json:"algs,omitempty"`
	DPoPKey     string    `json:"dpop_key,omitempty"`
	Behalf      string    `json:"behalf,omitempty"`
}

type clientRecord struct {
	Schema            string          `json:"schema"`
	Profile           string          `json:"profile"`
	Issuer            string          `json:"issuer"`
	ClientID          string          `json:"client_id"`
	Secret            string          `json:"client_secret,omitempty"`
	RegistrationToken string          `json:"registration_access_token,omitempty"`
	RegistrationURI   string          `json:"registration_client_uri,omitempty"`
	SecretExpires     time.Time       `json:"client_secret_expires_at,omitzero"`
	Metadata          json.RawMessage `json:"metadata,omitempty"`
	Keys              string          `json:"keys,omitempty"`
}

func formatSession(profile string, s *Session) []byte {
	return format(sessionRecord{Schema: sessionSchema, Profile: profile,
		Issuer: s.Issuer, ClientID: s.ClientID, Flow: s.Flow, Subject: s.Subject, Name: s.Name,
		Scope: s.Scope, TokenType: s.TokenType,
		Access: s.Access.Reveal(), Refresh: s.Refresh.Reveal(), ID: s.ID.Reveal(),
		Expiry: written(s.Expiry), Obtained: written(s.Obtained), Settings: s.Settings, RedirectURI: s.RedirectURI, Algs: s.Algs, DPoPKey: s.DPoPKey.Reveal(), Behalf: s.Behalf})
}

func parseSession(path, profile string, text []byte) (*Session, error) {
	var r sessionRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, corrupt(path, profile, err)
	}
	if err := check(path, profile, r.Schema, sessionSchema, r.Profile); err != nil {
		return nil, err
	}
	return &Session{Profile: profile,
		Issuer: r.Issuer, ClientID: r.ClientID, Flow: r.Flow, Subject: r.Subject, Name: r.Name,
		Scope: r.Scope, TokenType: r.TokenType,
		Access: secret.New(r.Access), Refresh: secret.New(r.Refresh), ID: secret.New(r.ID),
		Expiry: r.Expiry, Obtained: r.Obtained, Settings: r.Settings, RedirectURI: r.RedirectURI, Algs: r.Algs, DPoPKey: secret.New(r.DPoPKey), Behalf: r.Behalf}, nil
}

func formatClient(profile string, c *Client) []byte {
	return format(clientRecord{Schema: clientSchema, Profile: profile,
		Issuer: c.Issuer, ClientID: c.ClientID,
		Secret: c.Secret.Reveal(), RegistrationToken: c.RegistrationToken.Reveal(),
		RegistrationURI: c.RegistrationURI, SecretExpires: written(c.SecretExpires),
		Metadata: c.Metadata, Keys: c.Keys.Reveal()})
}

func parseClient(path, profile string, text []byte) (*Client, error) {
	var r clientRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, corrupt(path, profile, err)
	}
	if err := check(path, profile, r.Schema, clientSchema, r.Profile); err != nil {
		return nil, err
	}
	return &Client{Issuer: r.Issuer, ClientID: r.ClientID,
		Secret: secret.New(r.Secret), RegistrationToken: secret.New(r.RegistrationToken),
		RegistrationURI: r.RegistrationURI, SecretExpires: r.SecretExpires,
		Metadata: r.Metadata, Keys: secret.New(r.Keys)}, nil
}

func format(record any) []byte {
	// Records hold strings, JSON and written times alone, which cannot fail.
	text, _ := json.Marshal(record)
	return append(text, '\n')
}

// written is t as JSON can hold it. An absurd year, of a clock or of an OP's
// expires_in, must not lose the tokens beside it, and becomes "unknown".
func written(t time.Time) time.Time {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// check refuses a record of another time, kind or profile. The profile stands
// inside so that an encrypted file cannot be passed off as another profile's.
func check(path, profile, schema, want, owner string) error {
	kind, _, _ := strings.Cut(want, "/")
	switch {
	case schema == want && owner == profile:
		return nil
	case schema == want:
		return corrupt(path, profile, fmt.Errorf("it belongs to the profile %q", owner))
	case strings.HasPrefix(schema, kind+"/"):
		return &fault.Error{Kind: fault.Config, ID: "store.future", Op: "read " + path,
			Hint: "use the newer rely that wrote it, or " + again(profile),
			Err:  fmt.Errorf("it has the schema %q, and this rely knows %q", schema, want)}
	}
	return corrupt(path, profile, fmt.Errorf("it is no %s file", kind))
}

func corrupt(path, profile string, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Offset == 0:
		err = errors.New("the file is empty")
	case errors.As(err, &syntax):
		err = fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	return &fault.Error{Kind: fault.Config, ID: "store.corrupt", Op: "read " + path, Hint: again(profile), Err: err}
}

func again(profile string) string {
	return `run "rely login -p ` + profile + `", which keeps the old file with .broken added to its name`
}
