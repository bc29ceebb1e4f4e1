package registration

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rely/internal/dpop"
	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/secret"
)

// A KeyUse is something that a client's own key is for.
type KeyUse struct {
	Name, Help string
	make       func(k *keyMaker) error
}

// KeyUses is the table of values of --generate-key.
func KeyUses() []KeyUse {
	return []KeyUse{
		{"auth", "prove the client with signed assertions (private_key_jwt, OIDC Core 9)", authKey},
		{"mtls", "prove the client with a certificate of its own making (RFC 8705 2.2)", mtlsKey},
		{"dpop", "bind access tokens to a key (RFC 9449), which each sign-in makes anew", dpopKey},
		{"encryption", "have ID tokens, or what else is registered so, encrypted to the client (OIDC Core 10.2)", encryptionKey},
	}
}

// A keyMaker collects keys and what has to be registered with them.
type keyMaker struct {
	provider *provider.Metadata
	metadata map[string]any
	now      time.Time
	public   []jose.Private
	private  []jose.Private
}

// Keys makes a key for each use, puts the public halves and what they are for
// into metadata, and gives back the private halves as a JWKS for the store.
// What metadata says already is followed. Where it asks for encryption to a key
// and has none, one is made without being asked for.
func Keys(m *provider.Metadata, uses []string, metadata map[string]any, now time.Time) (secret.String, error) {
	if !slices.Contains(uses, "encryption") && len(encrypted(metadata)) > 0 && metadata["jwks"] == nil && metadata["jwks_uri"] == nil {
		uses = append(slices.Clone(uses), "encryption")
	}
	if len(uses) == 0 {
		return secret.String{}, nil
	}
	const op = "make the client's keys"
	for _, name := range []string{"jwks", "jwks_uri"} {
		if _, said := metadata[name]; said {
			return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "registration.keys", Op: op, Spec: "OIDC Registration 2 (jwks)",
				Err: errors.New("--generate-key and " + name + " exclude each other"), Hint: "leave one of them out"}
		}
	}
	k := &keyMaker{provider: m, metadata: metadata, now: now}
	all := KeyUses()
	for _, name := range uses {
		at := slices.IndexFunc(all, func(u KeyUse) bool { return u.Name == name })
		if at < 0 {
			return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "registration.key-use", Op: op, Err: fmt.Errorf("there is no use %q for a key", name),
				Hint: "use auth, mtls, dpop or encryption"}
		}
		if err := all[at].make(k); fault.Is(err, fault.Config) {
			return secret.String{}, err
		} else if err != nil {
			return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "registration.key", Op: op, Err: err, Hint: "choose another algorithm"}
		}
	}
	if len(k.public) > 0 {
		public, err := jose.PublicSet(k.public)
		if err != nil {
			return secret.String{}, &fault.Error{Kind: fault.Internal, ID: "registration.key", Op: op, Err: err}
		}
		metadata["jwks"] = json.RawMessage(public)
	}
	if len(k.private) == 0 {
		return secret.String{}, nil
	}
	private, err := jose.PrivateSet(k.private)
	if err != nil {
		return secret.String{}, &fault.Error{Kind: fault.Internal, ID: "registration.key", Op: op, Err: err}
	}
	return private, nil
}

// say sets a member that the person left open.
func (k *keyMaker) say(name string, value any) {
	if _, said := k.metadata[name]; !said {
		k.metadata[name] = value
	}
}

// alg is the member's value, else the first of ours that the provider lists
// under listed, else the first of ours.
func (k *keyMaker) alg(member, listed string, ours ...string) string {
	if said := TextOf(k.metadata, member); said != "" {
		return said
	}
	var theirs []string
	_ = json.Unmarshal(k.provider.Raw[listed], &theirs)
	for _, alg := range ours {
		if slices.Contains(theirs, alg) {
			return alg
		}
	}
	return ours[0]
}

func (k *keyMaker) add(alg string, public bool) (jose.Private, error) {
	key, err := jose.Generate(alg)
	if err != nil {
		return key, err
	}
	k.private = append(k.private, key)
	if public {
		k.public = append(k.public, key)
	}
	return key, nil
}

func authKey(k *keyMaker) error {
	alg := k.alg("token_endpoint_auth_signing_alg", "token_endpoint_auth_signing_alg_values_supported", "ES256", "PS256", "RS256", "EdDSA")
	k.say("token_endpoint_auth_method", "private_key_jwt")
	k.say("token_endpoint_auth_signing_alg", alg)
	_, err := k.add(alg, true)
	return err
}

func mtlsKey(k *keyMaker) error {
	k.say("token_endpoint_auth_method", "self_signed_tls_client_auth")
	key, err := k.add("ES256", true)
	if err != nil {
		return err
	}
	return key.Certify("rely", k.now, 10)
}

// dpopKey makes no key: each session has one of its own.
func dpopKey(k *keyMaker) error {
	k.say("dpop_bound_access_tokens", true)
	var theirs []string
	_ = json.Unmarshal(k.provider.Raw["dpop_signing_alg_values_supported"], &theirs)
	_, err := dpop.Choose(theirs)
	return err
}

// encrypted are the algorithms of what metadata has encrypted to a key of the
// client's.
func encrypted(metadata map[string]any) []string {
	var out []string
	for _, what := range []string{"id_token", "userinfo", "authorization", "introspection"} {
		e := jose.Encryption{Alg: TextOf(metadata, what+"_encrypted_response_alg")}
		if e.Asymmetric() && !slices.Contains(out, e.Alg) {
			out = append(out, e.Alg)
		}
	}
	return out
}

// encryptionKey makes a key for each algorithm. Who names nothing that is to be
// encrypted means the ID token.
func encryptionKey(k *keyMaker) error {
	algs := encrypted(k.metadata)
	if alg := TextOf(k.metadata, "id_token_encrypted_response_alg"); len(algs) == 0 && alg != "" {
		return fmt.Errorf("%s uses the client's secret, not a key of its own", alg)
	}
	if len(algs) == 0 {
		algs = []string{k.alg("", "id_token_encryption_alg_values_supported", "ECDH-ES+A256KW", "ECDH-ES", "RSA-OAEP-256", "RSA-OAEP")}
		k.say("id_token_encrypted_response_alg", algs[0])
	}
	for _, what := range []string{"id_token", "userinfo", "authorization"} {
		if TextOf(k.metadata, what+"_encrypted_response_alg") != "" {
			k.say(what+"_encrypted_response_enc", k.alg("", what+"_encryption_enc_values_supported", "A256GCM", "A128GCM", "A128CBC-HS256"))
		}
	}
	for _, alg := range algs {
		if _, err := k.add(alg, true); err != nil {
			return err
		}
	}
	return nil
}
