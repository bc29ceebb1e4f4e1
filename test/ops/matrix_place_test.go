package ops

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"rely/internal/clientauth"
	"rely/internal/flows"
)

// A place is a provider as the matrix sees it.
type place struct {
	*provider
	name     string // as the page shows it
	password string // alice's
	audience string // what its client assertions have to name, where it is not the issuer
	hint     string // alice, as a hint in a backchannel request
	certs    string // folder with the client's certificates
	// administered makes a client by other means than registration.
	administered func(id string, keys []byte, w wish) error
	// decide says yes for the person who is asked elsewhere, where that takes somebody.
	decide func(binding string) error
	// serial: one thing after the other; see provider.alone.
	serial bool
	back   string // the redirect URI of administered clients, each place's own
	// nonces is the same provider where DPoP proofs need a nonce of the server's.
	nonces *place
	// pings is the same provider where it trusts the authority of this home's
	// listeners.
	pings *place
	home  string

	metadata struct {
		Grants []string `json:"grant_types_supported"`
		Types  []string `json:"response_types_supported"`
	}
}

// places are all of them, running.
func places(t *testing.T) []*place {
	t.Helper()
	provide := func(start func() (*provider, error)) *provider {
		p, err := start()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	node := provide(steady)
	own := embedded(t)
	trusting := func() (*provider, error) {
		return start("oidc-provider", "OP_EXTRA_CA="+filepath.Join(own.dir, "rely", "state", "authority", "authority.pem"))
	}
	shown := filepath.Join(node.dir, "tls")
	all := []*place{
		demonstrates(own, demonstrates(embedded(t, "--fault", "good-dpop-nonce"), nil, shown), shown),
		certifies(node, certifies(provide(noncing), nil)),
		departs(provide(odd), departs(provide(noncingOdd), nil, "matrix-nonces"), "matrix"),
	}
	for _, p := range all {
		client, err := visitor(p.ca)
		if err == nil {
			err = fetch(client, p.issuer+"/.well-known/openid-configuration", &p.metadata)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.nonces.metadata = p.metadata
		p.pings, p.home = p, own.dir
	}
	all[1].pings = certifies(provide(trusting), nil)
	all[1].pings.metadata = all[1].metadata
	return all
}

// noncingOdd is the glewlwyd whose DPoP proofs need a nonce of its own.
var noncingOdd = sync.OnceValues(func() (*provider, error) { return start("glewlwyd", "OP_DPOP_NONCE=1") })

func demonstrates(p *provider, nonces *place, certs string) *place {
	return &place{provider: p, name: "rely op", password: "wonderland-1865", hint: "alice", certs: certs, nonces: nonces}
}

func certifies(p *provider, nonces *place) *place {
	at := &place{provider: p, name: "oidc-provider", password: password, hint: "alice", certs: filepath.Join(p.dir, "tls"), nonces: nonces}
	at.decide = at.decidesByForm
	return at
}

func departs(p *provider, nonces *place, back string) *place {
	at := &place{provider: p, name: "glewlwyd", password: password, hint: `{"username":"alice"}`, certs: filepath.Join(p.dir, "tls"),
		audience: "endpoint", serial: true, back: oddCallbacks()[back], nonces: nonces}
	at.administered, at.decide = at.add, at.decidesInList
	return at
}

// embedded is "rely op" as a process of its own, with all that it can offer.
func embedded(t *testing.T, more ...string) *provider {
	t.Helper()
	h := newHome(t)
	cmd := h.command(t.Context(), append([]string{"op", "--legacy", "--listen", "127.0.0.1:0"}, more...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	issuer, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &provider{kind: "rely op", issuer: strings.TrimSpace(issuer), ca: h.authority(), dir: h.dir}
}

// work are the parts of the matrix that this provider is asked for: one for each
// method, and one for the protections.
func (p *place) work(m *matrix) []func() {
	out := []func(){func() { p.protections(m) }}
	for i, method := range clientauth.All() {
		at := p
		if p.serial && i%2 == 1 {
			at = p.nonces // without DPoP it is just another one of the kind
		}
		out = append(out, func() { at.flows(m, method.Name) })
	}
	return out
}

// alone does one thing after the other where that is needed.
func (p *place) alone(do func()) {
	if p.serial {
		p.turn.Lock()
		defer p.turn.Unlock()
	}
	do()
}

// A client is what a login with it takes: flags that say which it is.
type client struct {
	flags []string
	no    *result // how the provider refused to make it
}

// A wish is what a client is made for.
type wish struct {
	id     string // of an administered client
	method string // how it proves itself
	grants []string
	flags  []string       // of its registration, and of a login with it
	only   []string       // of its registration alone
	props  map[string]any // of an administered client
}

// client makes a client, for those grant types that the provider lists.
func (p *place) client(h *home, w wish) client {
	id, method := "matrix-"+w.id, w.method
	flags := []string{"--ca-cert", p.ca, "--client-auth", method, "--client-key-file", ownKeys(h, p.certs)}
	if cert := map[string]string{"tls_client_auth": "client", "self_signed_tls_client_auth": "selfsigned"}[method]; cert != "" {
		flags = append(flags, "--tls-client-cert", filepath.Join(p.certs, cert+".crt"), "--tls-client-key", filepath.Join(p.certs, cert+".key"))
	}
	if p.audience != "" {
		flags = append(flags, "--assertion-audience", p.audience)
	}
	keys := publicKeys(h, p.certs)
	if p.administered != nil {
		if err := p.administered(id, keys, w); err != nil {
			h.t.Errorf("%s: make a client for %s: %v", p.name, method, err)
		}
		known := append([]string{"login", p.issuer, "--client-id", id, "--redirect-uri", p.back}, append(flags, w.flags...)...)
		return client{flags: p.secretly(h, known, method, plainSecret(id))}
	}
	r := h.try(append(p.register(h, keys, w), flags...)...)
	if r.code != 0 {
		return client{no: &r}
	}
	var made struct {
		Result struct {
			ID       string `json:"client_id"`
			Metadata struct {
				Back []string `json:"redirect_uris"`
			}
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &made); err != nil || len(made.Result.Metadata.Back) == 0 {
		h.t.Errorf("rely %s: got %q (%v), want a client", strings.Join(r.args, " "), r.stdout, err)
		return client{no: &r}
	}
	known := append([]string{"login", p.issuer, "--client-id", made.Result.ID, "--redirect-uri", made.Result.Metadata.Back[0]}, append(flags, w.flags...)...)
	return client{flags: p.secretly(h, known, method, kept(h))}
}

// plainSecret has no character that a form encodes: glewlwyd does not decode
// what comes by Basic (see TestGlewlwydOddSecret).
func plainSecret(client string) string { return client + "-looking-glass-secret" }

// secretly adds the client's secret where the method has one.
func (p *place) secretly(h *home, flags []string, method, secret string) []string {
	if strings.HasPrefix(method, "client_secret") {
		flags = append(flags, "--client-secret-file", h.file("secret", h.secret(secret)))
	}
	return flags
}

// register is the command that makes a client.
func (p *place) register(h *home, keys []byte, w wish) []string {
	jwks := filepath.Join(h.dir, "jwks.json")
	if err := os.WriteFile(jwks, keys, 0o600); err != nil {
		h.t.Error(err)
	}
	args := []string{"register", p.issuer, "-p", "reg", "--jwks", jwks, "-o", "json", "--scope", "openid email offline_access api:read"}
	if w.method == "tls_client_auth" {
		args = append(args, "--tls-client-auth-subject-dn", "CN=rely,O=Test")
	}
	types := []string{}
	for _, f := range flows.All() {
		for _, kind := range f.Types {
			// A hybrid client is registered for the implicit grant as well (OIDC Registration 2).
			both := kind == "code" || slices.Contains(w.grants, "implicit")
			if both && slices.Contains(w.grants, f.Grant) && slices.Contains(p.metadata.Types, kind) {
				types = append(types, kind)
			}
		}
	}
	for _, grant := range w.grants {
		if slices.Contains(p.metadata.Grants, grant) {
			args = append(args, "--grant-type", grant)
		}
	}
	list, _ := json.Marshal(types)
	args = append(args, "--metadata", "response_types="+string(list))
	if slices.Contains(w.grants, "urn:openid:params:grant-type:ciba") {
		args = append(args, "--metadata", "backchannel_token_delivery_mode=poll")
	}
	return append(append(args, w.flags...), w.only...)
}

// grants are those of all flows, each once.
func grants() []string {
	var out []string
	for _, f := range flows.All() {
		if !slices.Contains(out, f.Grant) {
			out = append(out, f.Grant)
		}
	}
	return out
}

// person are the flags of alice at the page of this provider.
func (p *place) person(h *home) []string {
	word := h.file("password", p.password)
	if p.kind == "glewlwyd" {
		return []string{"--browser", h.at(p.provider, "alice", word)}
	}
	return []string{"--browser", "forms", "--username", "alice", "--password-file", word}
}

// plain is a message without what is different in every run.
func (p *place) plain(text string) string {
	text = strings.ReplaceAll(text, p.issuer, "ISSUER")
	for _, change := range [][2]string{
		{`https?://(localhost|127\.0\.0\.1):\d+`, "HOST"},
		{`the client [\w-]{8,}`, "the client"},
		{`\d+ ms|\d+(\.\d+)?m?s`, "a while"},
	} {
		text = regexp.MustCompile(change[0]).ReplaceAllString(text, change[1])
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 240 {
		text = text[:240] + "..."
	}
	return text
}

// fetch reads a JSON document.
func fetch(client *http.Client, address string, into any) error {
	answer, err := client.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(into)
}

// add makes a client by glewlwyd's API for administrators.
func (p *place) add(id string, keys []byte, w wish) error {
	admin, err := visitor(p.ca)
	if err != nil {
		return err
	}
	if err := call(admin, http.MethodPost, p.api+"/auth/", map[string]string{"username": "admin", "password": "password"}); err != nil {
		return err
	}
	client := map[string]any{
		"client_id": id, "name": id, "enabled": true, "confidential": w.method != "none", "client_secret": plainSecret(id), "redirect_uri": []string{p.back},
		"authorization_type": []string{"code", "token", "id_token", "none", "password", "client_credentials", "refresh_token", "device_authorization",
			"urn:openid:params:grant-type:ciba"},
		"token_endpoint_auth_method": []string{w.method}, "scope": []string{"api:read", "api:write"}, "backchannel_token_delivery_mode": "poll",
		"jwks": json.RawMessage(keys), "tls_client_auth_subject_dn": "CN=rely,O=Test",
	}
	maps.Copy(client, w.props)
	return call(admin, http.MethodPost, p.api+"/client/", client)
}
