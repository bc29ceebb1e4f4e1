//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop"
)

// requests are the rows of what a token costs on its way.
func requests(bin, dir string, op *httptest.Server, login program) ([]row, error) {
	rows, err := machines(bin, dir, op)
	if err != nil {
		return nil, err
	}
	renewal, err := renewals(bin, dir, login)
	if err != nil {
		return nil, err
	}
	other := filepath.Join(dir, "thousand")
	if err := os.Mkdir(other, 0o700); err != nil {
		return nil, err
	}
	_, large, _, err := provider(bin, other, crowded)
	if err != nil {
		return nil, err
	}
	return append(rows, renewal, row{"rely login, 1000 keys beside 2", login, large, "1.30", false}), nil
}

// machines are the rows of client credentials: over HTTP, over HTTPS with an
// authority of our own, with those of the system, and beside curl. Cold asks
// for the metadata first, warm has them from the run before.
func machines(bin, dir string, op *httptest.Server) ([]row, error) {
	secret, home := filepath.Join(dir, "secret"), "RELY_HOME="+filepath.Join(dir, "machine")
	if err := os.WriteFile(secret, []byte("service-secret-0123456789abcdef"), 0o600); err != nil {
		return nil, err
	}
	plain := httptest.NewUnstartedServer(nil)
	inner, err := demoop.New(demoop.Options{Issuer: "http://" + plain.Listener.Addr().String(), Now: time.Now})
	if err != nil {
		return nil, err
	}
	plain.Config.Handler = inner
	plain.Start()
	ca, issuer := filepath.Join(dir, "ca.pem"), "https://"+op.Listener.Addr().String()
	floor := func(issuer, ca string) program {
		return program{path: filepath.Join(bin, "post"), args: []string{issuer + "/token", ca, "service", secret}}
	}
	rely := func(issuer string, more ...string) program {
		args := append([]string{"tokens", "--issuer", issuer, "--client-id", "service", "--client-secret-file", secret, "--flow", "client-credentials"}, more...)
		return program{path: filepath.Join(bin, "rely"), args: args, env: []string{home}}
	}
	rows := []row{
		{"rely tokens, machine, HTTP, cold", floor(plain.URL, ""), rely(plain.URL, "--no-cache"), "1.45", false},
		{"  warm", floor(plain.URL, ""), rely(plain.URL), "1.38", false},
		{"rely tokens, machine, HTTPS, cold", floor(issuer, ca), rely(issuer, "--ca-cert", ca, "--no-cache"), "1.30", false},
		{"  warm", floor(issuer, ca), rely(issuer, "--ca-cert", ca), "1.25", false},
	}
	if curl, err := exec.LookPath("curl"); err == nil {
		p := program{path: filepath.Join(bin, "curl"), args: []string{"-sSf", "--cacert", ca, "-u", "service:service-secret-0123456789abcdef", "-d", "grant_type=client_credentials", issuer + "/token"}}
		if err := os.Symlink(curl, p.path); err != nil { // beside the program that measures it
			return nil, err
		}
		rows = append(rows, row{"  warm, beside curl --cacert", p, rely(issuer, "--ca-cert", ca), "0.55", false})
	}
	if bundle, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil {
		own, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		system, p := filepath.Join(dir, "system.pem"), rely(issuer)
		if err := os.WriteFile(system, append(bundle, own...), 0o600); err != nil {
			return nil, err
		}
		p.env = append(p.env, "SSL_CERT_FILE="+system)
		rows = append(rows, row{"  warm, the system's authorities", floor(issuer, ca), p, "2.2", false})
	}
	return rows, nil
}

// renewals is the row of a renewal whose refresh token rotates. login signed
// in already; the floor has a session of its own.
func renewals(bin, dir string, login program) (row, error) {
	own := login
	own.env = []string{"RELY_HOME=" + filepath.Join(dir, "renew")}
	if _, err := own.run(); err != nil {
		return row{}, err
	}
	ask := exec.Command(login.path, "tokens", "--refresh")
	ask.Env = own.env
	token, err := ask.Output()
	if err != nil {
		return row{}, err
	}
	session, err := json.Marshal(map[string]string{"refresh_token": strings.TrimSpace(string(token))})
	if err != nil {
		return row{}, err
	}
	file := filepath.Join(dir, "session.json")
	if err := os.WriteFile(file, session, 0o600); err != nil {
		return row{}, err
	}
	issuer, ca := login.args[1], filepath.Join(dir, "ca.pem")
	floor := program{path: filepath.Join(bin, "renew"), args: []string{issuer + "/token", ca, "demo", file}}
	rely := program{path: login.path, args: []string{"tokens", "--force"}, env: login.env}
	return row{"rely tokens --force, rotating", floor, rely, "1.40", false}, nil
}

// crowded adds keys to a provider's set, until there are a thousand.
func crowded(op http.Handler) (http.Handler, error) {
	var more []any
	for n := range 1000 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, err
		}
		text := base64.RawURLEncoding.EncodeToString
		more = append(more, map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": fmt.Sprint("spare-", n), "x": text(point[1:33]), "y": text(point[33:])})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks" {
			op.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		op.ServeHTTP(rec, r)
		var set struct {
			Keys []any `json:"keys"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &set); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		set.Keys = append(slices.Clone(more[len(set.Keys):]), set.Keys...)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(set)
	}), nil
}
