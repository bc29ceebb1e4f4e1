package ops

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// A provider is a running oidc-provider (oidc-provider/start.sh).
type provider struct {
	issuer string
	ca     string // file with the certificate of its authority
	dir    string
	log    string // op.log, with a line for each answer
}

var (
	running   []*provider
	runningMu sync.Mutex
)

// steady is the provider that most tests share, with lifetimes as usual.
var steady = sync.OnceValues(func() (*provider, error) { return start() })

// start runs one more provider. settings are OP_ variables as op.mjs explains them.
func start(settings ...string) (*provider, error) {
	dir, err := os.MkdirTemp(scratch, "op-")
	if err != nil {
		return nil, err
	}
	list := filepath.Join(dir, "clients.json")
	if err := os.WriteFile(list, clients(), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("oidc-provider/start.sh")
	cmd.Env = append(os.Environ(), "OP_PORT=0", "OP_DIR="+dir, "OP_WAIT=60", "OP_REQUESTS=1", "OP_USERS="+users, "OP_CLIENTS="+list)
	cmd.Env = append(cmd.Env, settings...)
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("start oidc-provider: %w\n%s", err, words.String())
	}
	p := &provider{dir: dir}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "OP_ISSUER":
			p.issuer = value
		case "OP_CA":
			p.ca = value
		case "OP_LOG":
			p.log = value
		}
	}
	runningMu.Lock()
	defer runningMu.Unlock()
	running = append(running, p)
	return p, nil
}

// stop ends the provider and waits until it is gone.
func (p *provider) stop() error {
	return exec.Command("oidc-provider/stop.sh", p.dir).Run()
}

func stopAll() {
	for _, p := range running {
		p.stop()
	}
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
var callbacks = sync.OnceValue(func() map[string]string {
	uris := map[string]string{}
	for _, client := range []string{"ops-basic", "ops-post", "ops-browser"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		defer l.Close() // after all have one, so that no two get the same
		uris[client] = "https://" + l.Addr().String() + "/callback"
	}
	return uris
})

// secretOf is the client secret of a client below.
func secretOf(client string) string { return client + "-looking-glass-secret" }

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
