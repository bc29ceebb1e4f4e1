package trial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/registration"
	"rely/internal/useragent"
)

func (p *Patient) clients(ctx context.Context) error {
	if p.Borrowed != nil {
		p.Client, p.Public = p.Borrowed.Client, p.Borrowed.Client
		return nil
	}
	if _, err := p.Endpoint("registration_endpoint"); err != nil {
		return fmt.Errorf("%w; sign in with one that its administrator made, and add --profile NAME", err)
	}
	p.gate.heading = "# two clients are made"
	var err error
	if p.Client, err = p.Another(ctx, "confidential", map[string]any{"token_endpoint_auth_method": "client_secret_basic"}); err != nil {
		return err
	}
	p.Public, err = p.Another(ctx, "public", map[string]any{"token_endpoint_auth_method": "none"})
	if errors.Is(err, errStays) { // one is good for most checks
		p.Public, p.NoPublic, err = p.Client, err, nil
	}
	return err
}

// errStays is that no more clients are made, because the first is left behind.
const errStays fault.Cause = "no more clients are made, because they cannot be deleted: add --register to have them made all the same"

// Stays notes that a client cannot be deleted.
func (p *Patient) Stays() { p.stays = true }

// more is why no more clients are to be made; nil while they are.
func (p *Patient) more() error {
	if p.stays && !p.Anyway {
		return errStays
	}
	return nil
}

// other is a client of the doctor's own, or why there is none.
type other struct {
	*registration.Client
	err error
}

// Another is one more client of the doctor's own, which is made at the first
// call with that name and deleted at the end; more is what differs from a
// client that signs people in. No client is to fail at proving itself more than
// once: whoever has one fail takes one of its own.
func (p *Patient) Another(ctx context.Context, name string, more map[string]any) (*registration.Client, error) {
	if o, there := p.others[name]; there {
		return o.Client, o.err
	}
	if p.Borrowed != nil {
		return nil, errors.New("it needs one more client, and the profile's client is used")
	}
	if err := p.more(); err != nil {
		return nil, err
	}
	metadata := map[string]any{"client_name": ClientName, "redirect_uris": []string{Callback, Other}, "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token"}}
	if _, err := p.Endpoint("end_session_endpoint"); err == nil {
		metadata["post_logout_redirect_uris"] = []string{SignedOut}
	}
	if p.Person != nil {
		metadata["redirect_uris"] = []string{Callback, Other, p.Person.uri}
		metadata["application_type"] = "native" // the address is http on loopback
	}
	if listed, _ := p.Evidence.List("id_token_signing_alg_values_supported"); len(listed) > 0 && !slices.Contains(listed, "RS256") {
		metadata[idTokenAlg] = request.IDTokenAlgs("", listed)[0]
	}
	maps.Copy(metadata, more)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := registration.Endpoint{Provider: p.known, HTTP: p.hc, Initial: p.Initial, Now: p.Now()}
	// A request that is under way is not broken off: it may have made a client
	// that nobody would know of.
	p.gate.owe(1)
	c, err := e.Register(context.WithoutCancel(ctx), metadata)
	if o := (*registration.Orphan)(nil); errors.As(err, &o) {
		p.left = append(p.left, fmt.Errorf("the client %s is left behind: %w", o.Client.ID, o.Kept))
		p.Stays()
	}
	p.others[name] = other{c, err}
	if err != nil {
		p.gate.owe(-1)
		return nil, err
	}
	p.made = append(p.made, c)
	p.stays = p.stays || c.RegistrationURI == ""
	return c, nil
}

// Gone notes that a probe has deleted a client itself.
func (p *Patient) Gone(c *registration.Client) {
	p.made = slices.DeleteFunc(p.made, func(m *registration.Client) bool { return m == c })
	p.gate.owe(-1)
}

// ClientName is what the provider's administrator sees where a client is left
// behind.
const ClientName = "rely doctor, may be deleted"

// Clean deletes the clients, whatever became of the run. Its error names those
// that are left behind.
func (p *Patient) Clean(ctx context.Context) error {
	left := p.left
	p.gate.free, p.gate.heading = true, "# the clients are deleted"
	if p.agent != nil && p.Dry == nil {
		useragent.Dismiss(p.agent)
	}
	var lasting []string
	for _, c := range slices.Backward(p.made) {
		if c.RegistrationURI == "" {
			lasting = append(lasting, c.ID)
		} else if err := registration.Undo(ctx, p.hc, p.Evidence.Issuer, c); err != nil {
			left = append(left, fmt.Errorf("the client %s is left behind: %w", c.ID, err))
		}
	}
	if len(lasting) > 0 {
		left = append(left, fmt.Errorf("left behind, because the provider gave no address to delete clients at (RFC 7592), %d named %q: %s", len(lasting), ClientName, strings.Join(lasting, " ")))
	}
	return errors.Join(left...)
}
