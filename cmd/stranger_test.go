package cmd

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// person --after-strangers NAME: before the person signs in, somebody else on
// the machine, who knows the port, tries to answer in their place.
func intrude(address *url.URL) int {
	redirect, err := url.Parse(address.Query().Get("redirect_uri"))
	if err != nil {
		return 2
	}
	client := &http.Client{Transport: unsafeTransport()}
	try := func(what string, want int, change func(r *http.Request)) bool {
		r, _ := http.NewRequest(http.MethodGet, redirect.String(), nil)
		change(r)
		resp, err := client.Do(r)
		if err != nil {
			fmt.Fprintf(os.Stderr, "person: %s: %v\n", what, err)
			return false
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(body), "<script>alert") {
			fmt.Fprintf(os.Stderr, "person: %s: answered %d, want %d\n", what, resp.StatusCode, want)
			return false
		}
		return true
	}
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }
	ok := try("a wrong state", 400, query("code=stolen&state=wrong")) &&
		try("no state", 400, query("code=stolen")) &&
		try("an empty state", 400, query("code=stolen&state=")) &&
		try("an error with a script", 400, query("error=%3Cscript%3Ealert(1)%3C/script%3E&state=wrong")) &&
		try("nothing", 400, query("")) &&
		try("a favicon", 204, func(r *http.Request) { r.URL.Path = "/favicon.ico" }) &&
		try("another path", 404, func(r *http.Request) { r.URL.Path = "/other" }) &&
		try("another host", 421, func(r *http.Request) { r.Host = "evil.example" }) &&
		try("another method", 405, func(r *http.Request) { r.Method = http.MethodDelete }) &&
		try("a POST nobody asked for", 405, func(r *http.Request) { r.Method = http.MethodPost })
	if !ok {
		return 1
	}
	return 0
}
