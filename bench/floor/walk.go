package main

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// walk is a person without a browser: it follows redirects and fills the forms
// it meets, until a page has none.
func walk(page string, transport http.RoundTripper, user, password string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport, Jar: jar}
	answer, err := client.Get(page)
	for range 10 {
		if err != nil {
			return err
		}
		root, err := html.Parse(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		action, values := form(root, user, password)
		if values == nil {
			return nil
		}
		where, err := answer.Request.URL.Parse(action)
		if err != nil {
			return err
		}
		if answer, err = client.PostForm(where.String(), values); err != nil {
			return err
		}
	}
	return fmt.Errorf("too many pages, the last one at %s", answer.Request.URL)
}

// form reads and fills the first form of a page; values is nil without one.
func form(n *html.Node, user, password string) (action string, values url.Values) {
	for n := range n.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name, value, kind := attr(n, "name"), attr(n, "value"), attr(n, "type")
		switch {
		case n.Data == "form" && values == nil:
			action, values = attr(n, "action"), url.Values{}
		case values == nil || name == "" || n.Data != "input" && n.Data != "button" || values.Has(name):
		case kind == "password":
			values.Set(name, password)
		case strings.Contains(attr(n, "autocomplete"), "username"):
			values.Set(name, user)
		default:
			values.Set(name, value)
		}
	}
	return action, values
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
