package ops

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	administered func(id, method string, keys []byte) error
	// decide says yes for the person who is asked elsewhere, where that takes somebody.
	decide func(binding string) error
	// serial: one thing after the other; see provider.alone.
	serial bool
	back   string // the redirect URI of administered clients

	metadata struct {
		Grants []string `json:"grant_types_supported"`
		Types  []string `json:"response_types_supported"`
	}
}

// places are all of them, running.
func places(t *testing.T) []*place {
	t.Helper()
	node, err := steady()
	if err != nil {
		t.Fatal(err)
	}
	glewlwyd, err := odd()
	if err != nil {
		t.Fatal(err)
	}
	certs := func(p *provider) string { return filepath.Join(p.dir, "tls") }
	own := &place{provider: embedded(t), name: "rely op", password: "wonderland-1865", hint: "alice", certs: certs(node)}
	certified := &place{provider: node, name: "oidc-provider", password: password, hint: "alice", certs: certs(node)}
	certified.decide = certified.decidesByForm
	strange := &place{provider: glewlwyd, name: "glewlwyd", password: password, hint: `{"username":"alice"}`, certs: certs(glewlwyd),
		audience: glewlwyd.issuer + "/token", serial: true, back: oddCallbacks()["matrix"]}
	strange.administered, strange.decide = strange.add, strange.decidesInList
	all := []*place{own, certified, strange}
	for _, p := range all {
		client, err := visitor(p.ca)
		if err == nil {
			err = fetch(client, p.issuer+"/.well-known/openid-configuration", &p.metadata)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// embedded is "rely op" as a process of its own, with all that it can offer.
func embedded(t *testing.T) *provider {
	t.Helper()
	h := newHome(t)
	cmd := h.command(t.Context(), "op", "--legacy", "--listen", "127.0.0.1:0")
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
	var out []func()
	for _, method := range clientauth.All() {
		out = append(out, func() { p.flows(m, method.Name) })
	}
	out = append(out, func() { p.protections(m) })
	if !p.serial {
		return out
	}
	return []func(){func() {
		p.turn.Lock()
		defer p.turn.Unlock()
		for _, part := range out {
			part()
		}
	}}
}

// A client is what a login with it takes: flags that say which it is.
type client struct {
	flags []string
	no    *result // how the provider refused to make it
}

// client makes a client that proves itself by the method and is registered for
// these grant types, as far as the provider lists them.
func (p *place) client(h *home, method string, grants []string) client {
	id := "matrix-" + method
	flags := []string{"--ca-cert", p.ca, "--client-auth", method, "--client-key-file", signing(h, filepath.Join(p.certs, "selfsigned.key"))}
	if cert := map[string]string{"tls_client_auth": "client", "self_signed_tls_client_auth": "selfsigned"}[method]; cert != "" {
		flags = append(flags, "--tls-client-cert", filepath.Join(p.certs, cert+".crt"), "--tls-client-key", filepath.Join(p.certs, cert+".key"))
	}
	if p.audience != "" {
		flags = append(flags, "--assertion-audience", p.audience)
	}
	keys := certified(h.t, filepath.Join(p.certs, "selfsigned.crt"))
	if p.administered != nil {
		if err := p.administered(id, method, keys); err != nil {
			h.t.Errorf("%s: make a client for %s: %v", p.name, method, err)
		}
		known := append([]string{"login", p.issuer, "--client-id", id, "--redirect-uri", p.back}, flags...)
		return client{flags: p.secretly(h, known, method, secretOf(id))}
	}
	r := h.try(append(p.register(h, method, keys, grants), flags...)...)
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
	known := append([]string{"login", p.issuer, "--client-id", made.Result.ID, "--redirect-uri", made.Result.Metadata.Back[0]}, flags...)
	return client{flags: p.secretly(h, known, method, kept(h))}
}

// signing is a file with the key of a certificate as a JWK, which has the key ID
// that the registered public half has: some providers find a key by that alone.
func signing(h *home, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		h.t.Fatal(err)
	}
	own := key.(*ecdsa.PrivateKey)
	point, err := own.PublicKey.Bytes()
	if err != nil {
		h.t.Fatal(err)
	}
	d, err := own.Bytes()
	if err != nil {
		h.t.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	jwk, err := json.Marshal(map[string]string{"kty": "EC", "crv": "P-256", "kid": certifiedKid, "x": part(point[1:33]), "y": part(point[33:]), "d": h.secret(part(d))})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.file("key.jwk", string(jwk))
}

// secretly adds the client's secret where the method has one.
func (p *place) secretly(h *home, flags []string, method, secret string) []string {
	if strings.HasPrefix(method, "client_secret") {
		flags = append(flags, "--client-secret-file", h.file("secret", h.secret(secret)))
	}
	return flags
}

// register is the command that makes a client.
func (p *place) register(h *home, method string, keys []byte, grants []string) []string {
	jwks := filepath.Join(h.dir, "jwks.json")
	if err := os.WriteFile(jwks, keys, 0o600); err != nil {
		h.t.Error(err)
	}
	args := []string{"register", p.issuer, "-p", "reg", "--jwks", jwks, "-o", "json", "--scope", "openid email offline_access api:read"}
	if method == "tls_client_auth" {
		args = append(args, "--tls-client-auth-subject-dn", "CN=rely,O=Test")
	}
	types := []string{}
	for _, f := range flows.All() {
		for _, kind := range f.Types {
			if slices.Contains(grants, f.Grant) && slices.Contains(p.metadata.Types, kind) {
				types = append(types, kind)
			}
		}
	}
	for _, grant := range grants {
		if slices.Contains(p.metadata.Grants, grant) {
			args = append(args, "--grant-type", grant)
		}
	}
	list, _ := json.Marshal(types)
	args = append(args, "--metadata", "response_types="+string(list))
	if slices.Contains(grants, "urn:openid:params:grant-type:ciba") {
		args = append(args, "--metadata", "backchannel_token_delivery_mode=poll")
	}
	return args
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

// decidesByForm is alice with her own device at oidc-provider.
func (p *place) decidesByForm(binding string) error {
	client, err := visitor(p.ca)
	if err != nil {
		return err
	}
	var asked []struct {
		ID      string `json:"auth_req_id"`
		Message string `json:"binding_message"`
	}
	if err := fetch(client, p.issuer+"/ciba", &asked); err != nil {
		return err
	}
	for _, a := range asked {
		if a.Message == binding {
			answer, err := client.PostForm(p.issuer+"/ciba", url.Values{"login": {"alice"}, "password": {p.password}, "auth_req_id": {a.ID}})
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
	}
	return fmt.Errorf("got %d requests, want one with the message %q", len(asked), binding)
}

// decidesInList is alice at glewlwyd, which lists what waits for her.
func (p *place) decidesInList(binding string) error {
	client, err := visitor(p.ca)
	if err != nil {
		return err
	}
	if err := call(client, http.MethodPost, p.api+"/auth/", map[string]string{"username": "alice", "password": p.password}); err != nil {
		return err
	}
	var asked []struct {
		Message string `json:"binding_message"`
		Connect string `json:"connect_uri"`
		Client  string `json:"client_id"`
	}
	if err := fetch(client, p.issuer+"/ciba_user_list", &asked); err != nil {
		return err
	}
	for _, a := range asked {
		if a.Message == binding {
			if err := call(client, http.MethodPut, p.api+"/auth/grant/"+a.Client+"/", map[string]string{"scope": "openid"}); err != nil {
				return err
			}
			_, err := redirected(client, a.Connect+"&g_continue")
			return err
		}
	}
	return fmt.Errorf("got %d requests, want one with the message %q", len(asked), binding)
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
func (p *place) add(id, method string, keys []byte) error {
	admin, err := visitor(p.ca)
	if err != nil {
		return err
	}
	if err := call(admin, http.MethodPost, p.api+"/auth/", map[string]string{"username": "admin", "password": "password"}); err != nil {
		return err
	}
	return call(admin, http.MethodPost, p.api+"/client/", map[string]any{
		"client_id": id, "name": id, "enabled": true, "confidential": method != "none", "client_secret": secretOf(id), "redirect_uri": []string{p.back},
		"authorization_type": []string{"code", "token", "id_token", "none", "password", "client_credentials", "refresh_token", "device_authorization",
			"urn:openid:params:grant-type:ciba"},
		"token_endpoint_auth_method": []string{method}, "scope": []string{"api:read", "api:write"}, "backchannel_token_delivery_mode": "poll",
		"jwks": json.RawMessage(keys), "tls_client_auth_subject_dn": "CN=rely,O=Test",
	})
}

// asking runs rely and lets the person decide as soon as it says that it waits.
func (h *home) asking(decide func() error, args ...string) result {
	cmd := h.command(h.t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout = &stdout
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return h.ended(args, err, "", "")
	}
	var once sync.Once
	lines := bufio.NewReader(io.TeeReader(said, &stderr))
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, "waiting for") {
			once.Do(func() {
				if err := decide(); err != nil {
					h.t.Errorf("the person could not decide: %v", err)
				}
			})
		}
		if err != nil {
			break
		}
	}
	return h.ended(args, cmd.Wait(), stdout.String(), stderr.String())
}
