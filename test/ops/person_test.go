package ops

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// at is the value of --browser for somebody who signs in at glewlwyd. Its login
// page is a JavaScript application, which no form filler can walk, so this test
// program is the page: it makes the same calls. It is started as
//
//	ops.test person CA AUTHORITY API USER PASSWORD-FILE URL
//
// where AUTHORITY is the certificate of rely's own listener.
func (h *home) at(p *provider, user, passwordFile string) string {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprintf("'%s' person '%s' '%s' '%s' '%s' '%s'", self, p.ca, h.authority(), p.api, user, passwordFile)
}

// person is the process that at starts.
func person(args []string) int {
	if len(args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: person CA AUTHORITY API USER PASSWORD-FILE URL")
		return 2
	}
	if err := signIn(args[:2], args[2], args[3], args[4], args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "person:", err)
		return 1
	}
	return 0
}

// signIn opens page, signs in, allows all that the page asks for, and follows
// the answer to the listener.
func signIn(authorities []string, api, user, passwordFile, page string) error {
	word, err := os.ReadFile(passwordFile)
	if err != nil {
		return err
	}
	client, err := visitor(authorities...)
	if err != nil {
		return err
	}
	if file := os.Getenv("OPS_JAR"); file != "" { // this browser remembers
		client.Transport, client.Jar = &jar{file: file, base: client.Transport}, nil
	}
	asked, err := url.Parse(page)
	if err != nil {
		return err
	}
	q := asked.Query()
	where, err := redirected(client, page)
	if err != nil {
		return fmt.Errorf("the authorization endpoint: %w", err)
	}
	wrapped := q.Has("request") || q.Has("request_uri") // the provider has read it, the address does not show it
	device := !q.Has("redirect_uri") && !wrapped
	if device || wrapped { // the provider says on its way to the login page who asks for what
		to, err := url.Parse(where)
		if err != nil {
			return err
		}
		q = to.Query()
	}
	if device || wrapped || !strings.HasPrefix(where, q.Get("redirect_uri")) {
		credentials := map[string]string{"username": user, "password": strings.TrimSuffix(string(word), "\n")}
		if err := call(client, http.MethodPost, api+"/auth/", credentials); err != nil {
			return fmt.Errorf("the login: %w", err)
		}
		if err := call(client, http.MethodPut, api+"/auth/grant/"+url.PathEscape(q.Get("client_id"))+"/", map[string]string{"scope": q.Get("scope")}); err != nil {
			return fmt.Errorf("the consent: %w", err)
		}
		var posted bool
		if where, posted, err = answered(client, page+"&g_continue"); err != nil {
			return fmt.Errorf("the way back: %w", err)
		}
		if posted {
			return nil
		}
	}
	if device {
		if !strings.Contains(where, "deviceComplete") {
			return fmt.Errorf("the way back leads to %s", where)
		}
		return nil
	}
	// Never a query or a fragment here: it holds the code.
	if bare, _, _ := strings.Cut(strings.Replace(where, "#", "?", 1), "?"); !wrapped && !strings.HasPrefix(where, q.Get("redirect_uri")) {
		return fmt.Errorf("the way back leads to %s", bare)
	}
	client.CheckRedirect = nil
	answer, err := client.Get(where)
	if err != nil {
		return errors.New("the listener does not answer")
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return relay(client, where, string(text))
}

// answered opens page for the answer: where it leads, or a form that a browser
// posts by itself, which is done.
func answered(client *http.Client, page string) (where string, posted bool, err error) {
	answer, err := client.Get(page)
	if err != nil {
		return "", false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusFound {
		return answer.Header.Get("Location"), false, nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", false, err
	}
	to := regexp.MustCompile(`<form method="post" action="([^"]+)"`).FindSubmatch(text)
	if answer.StatusCode != http.StatusOK || to == nil {
		return "", false, fmt.Errorf("got status %d, want 302 or a form", answer.StatusCode)
	}
	fields := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllSubmatch(text, -1) {
		fields.Add(html.UnescapeString(string(field[1])), html.UnescapeString(string(field[2])))
	}
	back, err := client.PostForm(html.UnescapeString(string(to[1])), fields)
	if err != nil {
		return "", false, errors.New("the listener does not answer the form")
	}
	return "", true, back.Body.Close()
}

// relay does what the listener's page does in a browser: it posts the fragment
// to where it came from.
func relay(client *http.Client, where, page string) error {
	to, fragment, there := strings.Cut(where, "#")
	if !there {
		return nil
	}
	pass := regexp.MustCompile(`name="pass" value="([^"]+)"`).FindStringSubmatch(page)
	u, err := url.Parse(to)
	if err != nil || pass == nil {
		return errors.New("the listener has no page that takes the fragment")
	}
	req, err := http.NewRequest(http.MethodPost, to, strings.NewReader(url.Values{"pass": {pass[1]}, "fragment": {fragment}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", u.Scheme+"://"+u.Host)
	answer, err := client.Do(req)
	if err != nil {
		return errors.New("the listener does not answer the fragment")
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// visitor is a browser without a page: it keeps cookies, trusts the authorities
// that are there and follows nothing.
func visitor(authorities ...string) (*http.Client, error) {
	roots := x509.NewCertPool()
	for _, authority := range authorities {
		pem, err := os.ReadFile(authority)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		roots.AppendCertsFromPEM(pem)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Jar: jar, Timeout: 2 * time.Minute,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// redirected opens page and returns where it leads.
func redirected(client *http.Client, page string) (string, error) {
	answer, err := client.Get(page)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		return "", fmt.Errorf("got status %d, want 302", answer.StatusCode)
	}
	return answer.Header.Get("Location"), nil
}

// call makes one of the calls of the login page.
func call(client *http.Client, method, address string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, address, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("got status %d, want 200", answer.StatusCode)
	}
	return nil
}
