package ops

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The people at every provider of these tests. The passwords are words that no
// message would use, so that one that leaks is found.
const (
	users    = "alice:looking-glass-1871,bob:caravan-1924"
	password = "looking-glass-1871"
)

// A provider is a running one of the kinds that have a folder here.
type provider struct {
	kind   string
	issuer string
	ca     string // file with the certificate of its authority
	api    string // glewlwyd's own API, which its login page calls
	ldaps  string // slapd's address with TLS, and the one that StartTLS upgrades
	ldap   string
	iat    string // file with an initial access token, where registering needs one
	dir    string
	log    string // op.log; oidc-provider's has a line for each answer
	turn   sync.Mutex
}

// alone gives the test the provider for itself where it has to be: glewlwyd
// mixes up what it inserts for two clients that register at the same time.
func (p *provider) alone(t *testing.T) {
	if p.kind == "glewlwyd" {
		p.turn.Lock()
		t.Cleanup(p.turn.Unlock)
	}
}

var (
	running   []*provider
	runningMu sync.Mutex
)

// steady is the oidc-provider that most tests share, with lifetimes as usual;
// odd is the glewlwyd. The guarded ones give out clients to token bearers only.
var (
	steady        = sync.OnceValues(func() (*provider, error) { return start("oidc-provider") })
	odd           = sync.OnceValues(func() (*provider, error) { return start("glewlwyd") })
	guardedSteady = sync.OnceValues(func() (*provider, error) { return start("oidc-provider", "OP_IAT=white-queens-shawl-1871") })
	guardedOdd    = sync.OnceValues(func() (*provider, error) { return start("glewlwyd", "OP_IAT=1") })
)

// start runs one more provider. settings are OP_ variables as the head of
// op.mjs, or of glewlwyd/start.sh, explains them.
func start(kind string, settings ...string) (*provider, error) {
	dir, err := os.MkdirTemp(scratch, "op-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(kind + "/start.sh")
	cmd.Env = append(os.Environ(), "OP_PORT=0", "OP_DIR="+dir, "OP_WAIT=120", "OP_USERS="+users)
	switch kind {
	case "oidc-provider":
		list := filepath.Join(dir, "clients.json")
		if err := os.WriteFile(list, clients(), 0o600); err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "OP_REQUESTS=1", "OP_CLIENTS="+list)
	case "glewlwyd":
		cmd.Env = append(cmd.Env, "OP_REDIRECT_URIS="+strings.Join(slices.Collect(maps.Values(oddCallbacks())), " "))
	}
	cmd.Env = append(cmd.Env, settings...)
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w\n%s", kind, err, words.String())
	}
	p := &provider{kind: kind, dir: dir}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		for known, field := range map[string]*string{"OP_ISSUER": &p.issuer, "OP_CA": &p.ca, "OP_API": &p.api, "LDAPS_URI": &p.ldaps, "LDAP_URI": &p.ldap, "OP_IAT_FILE": &p.iat, "OP_LOG": &p.log} {
			if name == known {
				*field = value
			}
		}
	}
	runningMu.Lock()
	defer runningMu.Unlock()
	running = append(running, p)
	return p, nil
}

// stop ends the provider and waits until it is gone.
func (p *provider) stop() error {
	return exec.Command(p.kind+"/stop.sh", p.dir).Run()
}

// stopAll stops all at once: each takes a while to go.
func stopAll() {
	var group sync.WaitGroup
	for _, p := range running {
		group.Go(func() { p.stop() })
	}
	group.Wait()
}

// answers counts the lines of the request log that start as the pattern says.
func (p *provider) answers(t *testing.T, pattern string) int {
	t.Helper()
	data, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(`(?m)^request `+pattern).FindAllIndex(data, -1))
}

// callbacks gives each confidential client below a redirect URI with a port of
// its own: oidc-provider matches the port of an https URI exactly.
var callbacks = sync.OnceValue(func() map[string]string { return free("https", "ops-basic", "ops-post", "ops-browser") })

// oddCallbacks are those of the tests at glewlwyd, which matches every port
// exactly: they share its clients, but cannot share a port.
var oddCallbacks = sync.OnceValue(func() map[string]string {
	return free("http", "public", "web", "max-age", "revoked", "dropped", "gone", "answers", "chrome", "front", "bound", "matrix", "matrix-nonces")
})

// free makes a redirect URI with a free port for each name.
func free(scheme string, names ...string) map[string]string {
	uris := map[string]string{}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		defer l.Close() // after all have one, so that no two get the same
		uris[name] = scheme + "://" + l.Addr().String() + "/callback"
	}
	return uris
}

// secretOf is the client secret of a client below, with characters that have a
// meaning in a form, in a header, or in both (RFC 6749 2.3.1). Others than those
// of ASCII no secret may have (A.2), and oidc-provider knows no client with one.
func secretOf(client string) string { return client + "-%:+ /=&?#-looking-glass" }

// clients is a provider's list of clients beside those of op.mjs.
func clients() []byte {
	var list []map[string]any
	for client, uri := range callbacks() {
		method := "client_secret_basic"
		if client == "ops-post" {
			method = "client_secret_post"
		}
		list = append(list, map[string]any{
			"client_id":                  client,
			"client_secret":              secretOf(client),
			"token_endpoint_auth_method": method,
			"grant_types":                []string{"authorization_code", "refresh_token"},
			"redirect_uris":              []string{uri},
		})
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return data
}
