package flows

import (
	"testing"

	"rely/internal/fault"
	"rely/internal/provider"
)

func TestPossible(t *testing.T) {
	t.Parallel()
	whole := provider.Metadata{Issuer: "https://op.example", AuthorizationEndpoint: "https://op.example/a", TokenEndpoint: "https://op.example/t", JWKSURI: "https://op.example/k"}
	only := func(types ...string) *provider.Metadata { m := whole; m.ResponseTypes = types; return &m }
	for what, c := range map[string]struct {
		m    *provider.Metadata
		kind fault.Kind
	}{
		"everything there":  {only("code", "id_token"), 0},
		"nothing listed":    {only(), 0},
		"implicit alone":    {only("id_token"), fault.Config},
		"nothing published": {&provider.Metadata{}, fault.Protocol},
	} {
		err := Code{}.Possible(c.m)
		if (c.kind == 0) != (err == nil) || c.kind != 0 && !fault.Is(err, c.kind) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
