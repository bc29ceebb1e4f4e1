//go:build unix

package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"rely/internal/demoop"
)

// provider starts the embedded provider in this process, whose time nobody
// counts, and returns the two programs that sign in at it.
func provider(bin, dir string, around func(http.Handler) (http.Handler, error)) (op *httptest.Server, login, floor program, err error) {
	op = httptest.NewUnstartedServer(nil)
	issuer := "https://" + op.Listener.Addr().String()
	inner, err := demoop.New(demoop.Options{Issuer: issuer, Now: time.Now, AccessTTL: time.Hour})
	if err != nil {
		return nil, login, floor, err
	}
	outer, err := around(inner)
	if err != nil {
		return nil, login, floor, err
	}
	watch := &watched{Handler: thousand(issuer, outer)}
	op.Config.Handler = watch
	op.Config.ErrorLog = log.New(io.Discard, "", 0) // the doctor breaks handshakes off
	op.StartTLS()
	ca, password := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: op.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		return nil, login, floor, err
	}
	if err := os.WriteFile(password, []byte("wonderland-1865\n"), 0o600); err != nil {
		return nil, login, floor, err
	}
	login = program{
		path: filepath.Join(bin, "rely"),
		args: []string{"login", issuer, "-p", "bench", "--ca-cert", ca, "--client-id", "demo",
			"--redirect-uri", "http://127.0.0.1:0/callback", "--browser", "forms", "--username", "alice", "--password-file", password},
		env: []string{"RELY_HOME=" + filepath.Join(dir, "rely")},
		op:  watch,
	}
	floor = program{path: filepath.Join(bin, "floor"), args: []string{issuer, ca, "demo", "alice", "wonderland-1865"}, op: watch}
	return op, login, floor, nil
}

// watched notes when somebody comes to sign in, when the provider sends them
// back with a code, and how many requests come later.
type watched struct {
	http.Handler

	mu    sync.Mutex
	visit visit
}

// A visit is one person's time at the provider: the user agent's share of a
// sign-in, seen from outside in the same way whoever walks the pages.
type visit struct {
	from, to time.Time
	requests int // since
}

func (p *watched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if p.visit.requests++; r.URL.Query().Has("code_challenge") {
		p.visit.from = time.Now()
	}
	p.mu.Unlock()
	p.Handler.ServeHTTP(noting{w, p}, r)
}

// last is the latest visit.
func (p *watched) last() visit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.visit
}

type noting struct {
	http.ResponseWriter
	p *watched
}

func (n noting) WriteHeader(status int) {
	if strings.Contains(n.Header().Get("Location"), "code=") {
		n.p.mu.Lock()
		n.p.visit.to, n.p.visit.requests = time.Now(), 0
		n.p.mu.Unlock()
	}
	n.ResponseWriter.WriteHeader(status)
}
