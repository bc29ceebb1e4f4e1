package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rely/internal/useragent"
)

// port sets a variable to a port that is free: port PORT
func port(ts *testscript.TestScript, neg bool, args []string) {
	ports, err := steadyPorts(context.Background(), 1)
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(ports[0]))
}

// signOutElsewhere signs out with an ID token, as another browser would, once
// somebody listens at an address: signout FILE URL
func signOutElsewhere(ts *testscript.TestScript, neg bool, args []string) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	for listens := false; !listens; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, args[1], nil)
		ts.Check(err)
		resp, err := unsafeTransport().RoundTrip(req)
		if listens = err == nil; listens {
			_ = resp.Body.Close()
		}
		ts.Check(ctx.Err())
	}
	agent, err := useragent.Choose("forms", useragent.Options{HTTP: unsafeTransport(), Now: time.Now})
	ts.Check(err)
	hint := strings.TrimSpace(ts.ReadFile(args[0]))
	ts.Check(agent.Visit(ctx, useragent.Visit{URL: ts.Getenv("ISSUER") + "/logout?" + url.Values{"id_token_hint": {hint}}.Encode(), SignOut: true}))
}

// A jar is a browser's memory: it keeps cookies by host in a file.
type jar struct {
	file string
	base http.RoundTripper
	next string // where the latest page leads by itself
}

// leadsOn notes where a page refreshes to, as a browser would.
func (j *jar) leadsOn(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	j.next = ""
	if _, to, there := strings.Cut(string(body), `http-equiv="refresh" content="0;url=`); there {
		to, _, _ = strings.Cut(to, `"`)
		j.next = html.UnescapeString(to)
	}
	return err
}

// RoundTrip implements [http.RoundTripper].
func (j *jar) RoundTrip(r *http.Request) (*http.Response, error) {
	kept := map[string]map[string]string{}
	if data, err := os.ReadFile(j.file); err == nil {
		if err := json.Unmarshal(data, &kept); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	for name, value := range kept[r.URL.Host] {
		if _, err := r.Cookie(name); err != nil {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	resp, err := j.base.RoundTrip(r)
	if err == nil {
		err = j.leadsOn(resp)
	}
	if err != nil || len(resp.Cookies()) == 0 {
		return resp, err
	}
	if kept[r.URL.Host] == nil {
		kept[r.URL.Host] = map[string]string{}
	}
	for _, c := range resp.Cookies() {
		if kept[r.URL.Host][c.Name] = c.Value; c.MaxAge < 0 || c.Value == "" {
			delete(kept[r.URL.Host], c.Name)
		}
	}
	data, err := json.Marshal(kept)
	if err == nil {
		err = os.WriteFile(j.file, data, 0o600)
	}
	return resp, err
}
