package flows

import (
	"fmt"
	"strings"

	"rely/internal/fault"
)

// All is the table of flows, in the order in which help shows them.
func All() []Entry {
	return []Entry{
		{Name: "code", Grant: "authorization_code", Help: "a person signs in (authorization code with PKCE, OIDC Core 3.1)", Person: true, Flow: Code{}},
		{Name: "device", Grant: deviceGrant, Help: "a person signs in with any browser, anywhere, and types a code (RFC 8628)", Person: true, Flow: Device{}},
		{Name: "client-credentials", Grant: "client_credentials", Help: "a machine gets a token for itself (RFC 6749 4.4)", Flow: ClientCredentials{}},
	}
}

// Find is the entry of that name; the empty name is the first of the table.
func Find(name string) (Entry, error) {
	names := []string{}
	for _, e := range All() {
		if e.Name == name || name == "" {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, &fault.Error{
		Kind: fault.Usage, ID: "flow.unknown", Op: "choose the flow",
		Err:  fmt.Errorf("%q is no flow that rely knows (%s)", name, strings.Join(names, ", ")),
		Hint: "use one of those with --flow",
	}
}
