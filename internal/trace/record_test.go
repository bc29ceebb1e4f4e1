package trace

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"rely/internal/secret"
)

const (
	recordedCode   = "code-0123456789abcdef"
	recordedAccess = "access-0123456789abcdef"
	recordedClient = "client-secret-0123456789"
)

// recorded is a token request and the UserInfo request behind it, and one that
// nobody answers.
func recorded(t *testing.T) (*Record, *Redactor, *httptest.Server) {
	t.Helper()
	op := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Other", recordedAccess)
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, `{"access_token":"`+recordedAccess+`","token_type":"Bearer"}`)
			return
		}
		_, _ = io.WriteString(w, `{"sub":"alice"}`)
	}))
	t.Cleanup(op.Close)
	record, redact := &Record{}, &Redactor{}
	tr := &Transport{Base: &http.Transport{}, Redact: redact, Record: record, Now: time.Now}
	ask := func(method, address, body string, change func(*http.Request)) {
		req, err := http.NewRequest(method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		if resp, err := tr.RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	ask("POST", op.URL+"/token?tenant=it's", "grant_type=authorization_code&code="+recordedCode, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("id", recordedClient)
	})
	ask("GET", op.URL+"/userinfo", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+recordedAccess) })
	ask("GET", "http://127.0.0.1:1/gone", "", func(*http.Request) {})
	return record, redact, op
}

// The members that HAR 1.2 demands, by object, with their JSON types
// (s string, n number, a array, o object).
func harDemands() map[string]string {
	return map[string]string{
		"log":      "version:s creator:o entries:a",
		"creator":  "name:s version:s",
		"entry":    "startedDateTime:s time:n request:o response:o cache:o timings:o",
		"request":  "method:s url:s httpVersion:s cookies:a headers:a queryString:a headersSize:n bodySize:n",
		"response": "status:n statusText:s httpVersion:s cookies:a headers:a content:o redirectURL:s headersSize:n bodySize:n",
		"content":  "size:n mimeType:s",
		"timings":  "send:n wait:n receive:n",
		"postData": "mimeType:s params:a text:s",
		"pair":     "name:s value:s",
	}
}

func demandHAR(t *testing.T, object string, v any) map[string]any {
	t.Helper()
	m, is := v.(map[string]any)
	if !is {
		t.Fatalf("%s is %T, want an object", object, v)
	}
	for want := range strings.FieldsSeq(harDemands()[object]) {
		name, kind, _ := strings.Cut(want, ":")
		got := ""
		switch m[name].(type) {
		case string:
			got = "s"
		case float64:
			got = "n"
		case []any:
			got = "a"
		case map[string]any:
			got = "o"
		}
		if got != kind {
			t.Errorf("%s.%s is %T %v, want type %s", object, name, m[name], m[name], kind)
		}
	}
	return m
}

func TestHARHasWhatTheFormatDemands(t *testing.T) {
	t.Parallel()
	record, redact, _ := recorded(t)
	data, err := record.HAR(redact, "rely", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{recordedCode, recordedAccess, recordedClient} {
		if strings.Contains(string(data), s) {
			t.Errorf("%q shows in\n%s", s, data)
		}
	}
	if strings.Count(string(data), secret.Fingerprint(recordedAccess)) < 2 {
		t.Error("one token has no fingerprint that shows it to be the same in both places")
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil || len(doc) != 1 {
		t.Fatalf("got %v, want one object with the member log", err)
	}
	log := demandHAR(t, "log", doc["log"])
	if log["version"] != "1.2" {
		t.Errorf("the version is %v", log["version"])
	}
	demandHAR(t, "creator", log["creator"])
	entries := log["entries"].([]any)
	if len(entries) != 3 {
		t.Fatalf("got %d entries, want 3", len(entries))
	}
	when := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$`)
	for _, v := range entries {
		e := demandHAR(t, "entry", v)
		if s := e["startedDateTime"].(string); !when.MatchString(s) {
			t.Errorf("startedDateTime is %s", s)
		}
		req, resp := demandHAR(t, "request", e["request"]), demandHAR(t, "response", e["response"])
		demandHAR(t, "content", resp["content"])
		times := demandHAR(t, "timings", e["timings"])
		if sum := times["send"].(float64) + times["wait"].(float64) + times["receive"].(float64); sum > e["time"].(float64)+0.01 || sum < e["time"].(float64)-0.01 {
			t.Errorf("the timings add up to %v, the time is %v", sum, e["time"])
		}
		for _, list := range []any{req["headers"], req["queryString"], resp["headers"]} {
			for _, pair := range list.([]any) {
				demandHAR(t, "pair", pair)
			}
		}
		if post, there := req["postData"]; there {
			demandHAR(t, "postData", post)
		}
	}
	if r := entries[2].(map[string]any)["response"].(map[string]any); r["status"] != 0.0 || r["comment"] == "" {
		t.Errorf("no answer is %v, want status 0 and the reason", r)
	}
}

// The commands do what the requests did, once the variables are set.
func TestCurlRepeatsTheRequests(t *testing.T) {
	t.Parallel()
	record, redact, _ := recorded(t)
	text := record.Curl(redact)
	for _, s := range []string{recordedCode, recordedAccess, recordedClient} {
		if strings.Contains(text, s) {
			t.Errorf("%q shows in\n%s", s, text)
		}
	}
	for _, s := range []string{"#   CODE=...   " + secret.Fingerprint(recordedCode), `"Authorization: Bearer $ACCESS_TOKEN"`, `"Authorization: Basic $BASIC"`, "# 3: no answer"} {
		if !strings.Contains(text, s) {
			t.Errorf("%q is missing in\n%s", s, text)
		}
	}
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("the commands are for a POSIX shell")
	}
	// A curl that prints its arguments, one in a line.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sh, "-c", text)
	cmd.Env = []string{"PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH"), "CODE=" + recordedCode, "ACCESS_TOKEN=" + recordedAccess, "BASIC=abc", "TENANT=" + url.QueryEscape("it's")}
	out, err := cmd.CombinedOutput()
	for _, s := range []string{"\ncode=" + recordedCode + "\n", "\nAuthorization: Bearer " + recordedAccess + "\n", "\ngrant_type=authorization_code\n", "/token?tenant=it%27s\n"} {
		if err != nil || !strings.Contains(string(out), s) {
			t.Errorf("%v: %q is missing in what curl got:\n%s", err, s, out)
		}
	}
}
