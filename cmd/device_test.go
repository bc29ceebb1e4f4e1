package cmd

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// denyDevice types the code and says no, as a person does who asked for
// nothing.
func denyDevice(u *url.URL) int {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 2
	}
	browser := &http.Client{Transport: unsafeTransport(), Jar: jar}
	form := url.Values{"user_code": {u.Query().Get("user_code")}}
	for range 2 {
		resp, err := browser.PostForm(u.String(), form)
		if err != nil {
			fmt.Fprintln(os.Stderr, "person:", err)
			return 1
		}
		page, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return 1
		}
		form = hidden(string(page), "action", "deny")
		if m := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(string(page)); m != nil {
			if u, err = u.Parse(html.UnescapeString(m[1])); err != nil {
				return 1
			}
		}
	}
	return 0
}

// refuse says no on the provider's own page, and follows the answer as a browser
// does: out of a query, or out of a fragment by the listener's page.
func refuse(page *url.URL) int {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 2
	}
	browser := &http.Client{Transport: unsafeTransport(), Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	read := func(resp *http.Response, err error) (string, *url.URL) {
		if err != nil {
			return "", nil
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		to, _ := resp.Location()
		return string(text), to
	}
	text, _ := read(browser.Get(page.String()))
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(text)
	if action == nil {
		return 1
	}
	to, err := page.Parse(html.UnescapeString(action[1]))
	if err != nil {
		return 1
	}
	_, back := read(browser.PostForm(to.String(), hidden(text, "action", "deny")))
	if back == nil {
		return 1
	}
	fragment := back.EscapedFragment()
	back.Fragment, back.RawFragment = "", ""
	text, _ = read(browser.Get(back.String()))
	if fragment == "" {
		return 0
	}
	req, err := http.NewRequest(http.MethodPost, back.String(), strings.NewReader(hidden(text, "fragment", fragment).Encode()))
	if err != nil {
		return 1
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", back.Scheme+"://"+back.Host)
	text, _ = read(browser.Do(req))
	if text == "" {
		return 1
	}
	return 0
}

// hidden are the hidden fields of a page's form, and one more.
func hidden(page, name, value string) url.Values {
	form := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	form.Set(name, value)
	return form
}
