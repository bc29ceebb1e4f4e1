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
		form = url.Values{"action": {"deny"}}
		for _, m := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
			form.Set(m[1], html.UnescapeString(m[2]))
		}
		if m := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(string(page)); m != nil {
			if u, err = u.Parse(html.UnescapeString(m[1])); err != nil {
				return 1
			}
		}
	}
	return 0
}
