package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/request"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
)

// registeredRequest is what a client registered of its authorization requests.
type registeredRequest struct {
	Push   bool     `json:"require_pushed_authorization_requests"`
	Signed bool     `json:"require_signed_request_object"`
	Alg    string   `json:"request_object_signing_alg"`
	KeyAlg string   `json:"request_object_encryption_alg"`
	Enc    string   `json:"request_object_encryption_enc"`
	Types  []string `json:"response_types"`
	JWKS   struct {
		Keys []struct {
			Kid string `json:"kid"`
		} `json:"keys"`
	} `json:"jwks"`
}

// protect says how the authorization request travels: pushed, signed,
// encrypted, as the person, the registration or the provider demands. An ID
// token is pushed wherever that can be, because an address is seen by many.
func (k *Keeper) protect(r *flows.Request, client *store.Client) error {
	var is registeredRequest
	_ = json.Unmarshal(client.Metadata, &is) // a client made by hand has none
	m := &r.Provider.Metadata
	r.Registered = is.Types
	r.Push = k.Settings.Bool("par") || is.Push || says(m, "require_pushed_authorization_requests") ||
		r.Param.Has("id_token_hint") && m.PushEndpoint != ""
	if r.Push && m.PushEndpoint == "" {
		return &fault.Error{Kind: fault.Config, ID: "login.no-par", Op: "push the authorization request", Spec: "RFC 9126 5",
			Err: errors.New("the provider's metadata names no pushed_authorization_request_endpoint"), Hint: "leave --par out, or have the provider offer it"}
	}
	how := k.Settings.String("request_object")
	switch {
	case how == "" && !is.Signed && (is.Alg == "" || is.Alg == "none") && is.KeyAlg == "" && !says(m, "require_signed_request_object"):
		return nil
	case how != "" && how != "signed" && how != "encrypted":
		return &fault.Error{Kind: fault.Usage, ID: "login.request-object", Op: "read --request-object", Err: fmt.Errorf("%q is neither signed nor encrypted", how), Hint: "use one of the two"}
	case !r.Push && m.Raw["request_parameter_supported"] != nil && !says(m, "request_parameter_supported"):
		return &fault.Error{Kind: fault.Config, ID: "login.no-request-object", Op: "sign the authorization request", Spec: "OIDC Discovery 3 (request_parameter_supported)",
			Err: errors.New("the provider's metadata says that it takes no request objects"), Hint: "push it with --par, or leave --request-object out"}
	}
	object, err := k.object(is, client, m, "request_object_signing_alg")
	if err != nil {
		return err
	}
	if how == "encrypted" || is.KeyAlg != "" {
		if object.Encryption, err = encryption(is, m); err != nil {
			return err
		}
	}
	r.Object = object
	return nil
}

func says(m *provider.Metadata, member string) bool {
	var is bool
	return json.Unmarshal(m.Raw[member], &is) == nil && is
}

// backchannelAlg is the member that says how a client signs its backchannel
// authentication requests. The provider lists values under a name made of it.
const backchannelAlg = "backchannel_authentication_request_signing_alg"

// signed says how a backchannel authentication request is signed, where the
// registration or the person wants that (CIBA 7.1.1).
func (k *Keeper) signed(r *flows.Request, client *store.Client) error {
	var all struct {
		registeredRequest
		Alg string `json:"backchannel_authentication_request_signing_alg"`
	}
	_ = json.Unmarshal(client.Metadata, &all) // a client made by hand has none
	is := all.registeredRequest
	is.Alg = all.Alg
	m, how := &r.Provider.Metadata, k.Settings.String("request_object")
	f := &fault.Error{ID: "ciba.request-object", Op: "sign the backchannel authentication request", Spec: "CIBA 7.1.1"}
	switch {
	case how == "" && is.Alg == "":
		return nil
	case how != "" && how != "signed":
		f.Kind, f.Err, f.Hint = fault.Usage, fmt.Errorf("these requests are signed or plain, not %q", how), "use --request-object signed, or leave it out"
		return f
	case m.Raw[backchannelAlg+"_values_supported"] == nil:
		f.Kind, f.Err, f.Hint = fault.Config, errors.New("the provider's metadata lists no "+backchannelAlg+"_values_supported: it takes none that are signed"), "leave --request-object out"
		return f
	case strings.HasPrefix(is.Alg, "HS"):
		f.Kind, f.Err, f.Hint = fault.Config, fmt.Errorf("the client is registered for %s, and only an asymmetric signature is allowed", is.Alg), "register it for another "+backchannelAlg
		return f
	}
	withoutSecret := *client
	withoutSecret.Secret = secret.String{} // it signs nothing here
	var err error
	r.Object, err = k.object(is, &withoutSecret, m, backchannelAlg)
	return err
}

// object chooses key and algorithm: the registered one, else the first that
// the key can do and the provider lists under member (OIDC Discovery 3).
func (k *Keeper) object(is registeredRequest, client *store.Client, m *provider.Metadata, member string) (*request.Object, error) {
	const op = "sign the authorization request"
	text, name, err := k.ownKeys(client)
	if err != nil {
		return nil, err
	}
	var keys []jose.Private
	switch {
	case !text.Empty():
		if keys, err = jose.ParsePrivate(name, text); err != nil {
			return nil, err
		}
	case !client.Secret.Empty():
		keys = []jose.Private{jose.SecretKey(client.Secret)}
	default:
		return nil, &fault.Error{Kind: fault.Config, ID: "login.no-key", Op: op, Spec: "RFC 9101 4", Err: errors.New("the client has neither a key nor a secret to sign with"),
			Hint: "give a key with --client-key-file FILE, or register with --generate-key auth"}
	}
	var listed, can, kids []string
	_ = json.Unmarshal(m.Raw[member+"_values_supported"], &listed) // none: anything may do
	for _, key := range is.JWKS.Keys {
		kids = append(kids, key.Kid)
	}
	for _, key := range keys {
		if key.Kid() != "" && len(kids) > 0 && !slices.Contains(kids, key.Kid()) {
			continue
		}
		for _, alg := range key.SigningAlgorithms() {
			if (!k.Settings.Bool("fapi") || slices.Contains(fapiAlgs(), alg)) && (is.Alg == alg || is.Alg == "" && (len(listed) == 0 || slices.Contains(listed, alg))) {
				return &request.Object{Key: key, Alg: alg}, nil
			}
			can = append(can, alg)
		}
	}
	want := fmt.Sprintf("the provider lists %q", listed)
	if is.Alg != "" {
		want = fmt.Sprintf("the client is registered for %q", is.Alg)
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "login.request-alg", Op: op, Spec: map[bool]string{true: "CIBA 4", false: "OIDC Registration 2"}[member == backchannelAlg] + " (" + member + ")",
		Err: fmt.Errorf("%s, and the registered keys at hand sign with %s", want, strings.Join(can, ", ")), Hint: "use a key for that algorithm, with --client-key-file FILE"}
}

// ownKeys are the client's private keys: those given for this run, else those
// that it was registered with.
func (k *Keeper) ownKeys(client *store.Client) (keys secret.String, name string, err error) {
	if keys, err = k.Key(); err != nil || !keys.Empty() {
		return named(keys, client), k.Settings.String("client_key_file"), err
	}
	return client.Keys, "the profile's client record", nil
}

// encryption is what was registered, else the best that both sides know.
func encryption(is registeredRequest, m *provider.Metadata) (jose.Encryption, error) {
	e := jose.Encryption{Alg: is.KeyAlg, Enc: is.Enc}
	var algs, encs []string
	_ = json.Unmarshal(m.Raw["request_object_encryption_alg_values_supported"], &algs)
	_ = json.Unmarshal(m.Raw["request_object_encryption_enc_values_supported"], &encs)
	first := func(known, listed []string) string {
		for _, name := range known {
			if slices.Contains(listed, name) {
				return name
			}
		}
		return ""
	}
	if e.Alg == "" {
		e.Alg = first(jose.KeyAlgorithms(), algs)
	}
	if e.Enc == "" && is.KeyAlg == "" {
		e.Enc = first(jose.ContentAlgorithms(), encs)
	}
	if e.Alg == "" {
		return e, &fault.Error{Kind: fault.Config, ID: "login.no-encryption", Op: "encrypt the authorization request", Spec: "OIDC Discovery 3 (request_object_encryption_alg_values_supported)",
			Err: fmt.Errorf("the provider lists %q, and rely knows %s", algs, strings.Join(jose.KeyAlgorithms(), ", ")), Hint: "use --request-object signed, or have the provider publish a key for encryption"}
	}
	return e, e.Check()
}
