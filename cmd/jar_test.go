package cmd

import (
	"encoding/json"
	"net/http"
	"os"
)

// A jar is a browser's memory: it keeps cookies by host in a file.
type jar struct {
	file string
	base http.RoundTripper
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
