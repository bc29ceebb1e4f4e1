package provider

import (
	"encoding/json"
	"errors"

	"rely/internal/fault"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Aliased reports whether the provider has other endpoints for who shows a
// certificate.
func (p *Provider) Aliased() bool { return p.Metadata.Raw["mtls_endpoint_aliases"] != nil }

// Mutual takes the provider's mtls_endpoint_aliases in place of its endpoints
// (RFC 8705 5): whoever shows a certificate has to go there. The authorization
// endpoint is the browser's, and stays.
func (p *Provider) Mutual() error {
	raw, there := p.Metadata.Raw["mtls_endpoint_aliases"]
	if !there {
		return nil
	}
	var aliases map[string]json.RawMessage
	if json.Unmarshal(raw, &aliases) != nil {
		return &fault.Error{Kind: fault.Protocol, ID: "provider.metadata", Op: "read the metadata of " + p.Metadata.Issuer, Spec: "RFC 8705 5",
			Err: errors.New("mtls_endpoint_aliases is no object"), Hint: "have the provider mend its metadata at " + p.Source}
	}
	for _, e := range p.Metadata.endpoints() {
		var address string
		if !strictjson.Read(aliases[e.name], &address) || address == "" || e.name == "authorization_endpoint" {
			continue
		}
		if _, err := wire.Endpoint(e.name+" in mtls_endpoint_aliases", address, p.Metadata.Issuer); err != nil {
			return err
		}
		*e.address = address
	}
	return nil
}
