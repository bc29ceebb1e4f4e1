//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// examinations are the programs that look at the provider: the floor, and the
// doctor.
func examinations(bin, dir string, op *httptest.Server) (floor, doctor program) {
	issuer, ca := "https://"+op.Listener.Addr().String(), filepath.Join(dir, "ca.pem")
	floor = program{path: filepath.Join(bin, "probe"), args: []string{issuer, ca}}
	return floor, program{path: filepath.Join(bin, "rely"), args: []string{"doctor", issuer, "--ca-cert", ca}, env: []string{"RELY_HOME=" + filepath.Join(dir, "doctor")}}
}

// thousand answers for a thousand issuers below /i/, each with metadata of its own.
func thousand(issuer string, op http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, is := strings.CutSuffix(r.URL.Path, "/.well-known/openid-configuration")
		if !is || !strings.HasPrefix(path, "/i/") {
			op.ServeHTTP(w, r)
			return
		}
		q := r.Clone(r.Context())
		q.URL.Path = "/.well-known/openid-configuration"
		rec := httptest.NewRecorder()
		op.ServeHTTP(rec, q)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=300")
		body := strings.Replace(rec.Body.String(), `"issuer":"`+issuer+`"`, `"issuer":"`+issuer+path+`"`, 1)
		_, _ = w.Write([]byte(body))
	})
}

// crowd prints what many issuers in one process cost.
func crowd(dir string, doctor program) error {
	issuer, ca := doctor.args[1], doctor.args[3]
	for _, n := range []int{100, 1000} {
		var list strings.Builder
		for i := range n {
			fmt.Fprintf(&list, "%s/i/%d\n", issuer, i)
		}
		file := filepath.Join(dir, "issuers.txt")
		if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
			return err
		}
		p := program{path: doctor.path, args: []string{"doctor", "--from", file, "--ca-cert", ca}, env: doctor.env}
		s, err := p.run()
		if err != nil {
			return err
		}
		fmt.Printf("rely doctor, %d issuers: %.1f ms cpu each, %.0f ms wall, %.1f MiB, goal 100 MiB\n", n, ms(s.cpu)/float64(n), ms(s.wall), float64(s.rss)/(1<<20))
	}
	return nil
}

// tried prints what an examination with everything costs, a robot signing in.
func tried(dir string, doctor program) error {
	p := program{path: doctor.path, env: doctor.env, args: append(slices.Clone(doctor.args),
		"--active", "--browser", "forms", "--username", "alice", "--password-file", filepath.Join(dir, "password"))}
	s, err := p.run()
	if err == nil {
		fmt.Printf("rely doctor --active with a robot: %.0f ms cpu, %.0f ms wall (2100 of them waiting for max_age=1), %.1f MiB, goal 5000 ms\n", ms(s.cpu), ms(s.wall), float64(s.rss)/(1<<20))
	}
	return err
}
