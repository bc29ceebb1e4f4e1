package page

import (
	"html"
	"net/url"
	"slices"
	"strings"
)

// An Account is a demo user as the sign-in page lists it.
type Account struct{ Name, Password string }

// A SignIn is the page that asks who is there.
type SignIn struct {
	Action   string // where the form goes
	Tx, CSRF string // hidden: which request this is, and that the page was really shown
	Client   string // who asks
	Username string // a suggestion
	Problem  string // what went wrong with the last try
	Accounts []Account
}

// Page draws it.
func (s SignIn) Page(target string) Page {
	var b strings.Builder
	b.WriteString("<h1>Sign in</h1>\n<p class=\"lead\">to go on to <strong>" + text(s.Client) + "</strong></p>\n")
	invalid := ""
	if s.Problem != "" {
		b.WriteString(`<p class="alert" role="alert" id="problem">` + text(s.Problem) + "</p>\n")
		invalid = ` aria-invalid="true" aria-describedby="problem"`
	}
	// The cursor stands in the first field that is still empty.
	focusName, focusPassword := " autofocus", ""
	if s.Username != "" {
		focusName, focusPassword = "", " autofocus"
	}
	b.WriteString(`<form method="post" action="` + html.EscapeString(s.Action) + `">` + field("tx", s.Tx) + field("csrf", s.CSRF) +
		"\n<label for=\"username\">User name</label>\n" +
		`<input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="255" required value="` +
		html.EscapeString(s.Username) + `"` + invalid + focusName + ">\n" +
		"<label for=\"password\">Password</label>\n" +
		`<input id="password" name="password" type="password" autocomplete="current-password" maxlength="255" required` + invalid + focusPassword + ">\n" +
		"<div class=\"buttons\"><button type=\"submit\" name=\"action\" value=\"login\" class=\"primary\">Sign in</button>" +
		"<button type=\"submit\" name=\"action\" value=\"deny\" formnovalidate>Cancel</button></div>\n</form>\n")
	b.WriteString("<section class=\"users\" aria-labelledby=\"users\">\n<h2 id=\"users\">Demo users</h2>\n<dl>\n")
	for _, a := range s.Accounts {
		b.WriteString("<div><dt>" + text(a.Name) + "</dt><dd><code>" + text(a.Password) + "</code></dd></div>\n")
	}
	b.WriteString("</dl>\n</section>\n")
	return Page{Target: target, title: "Sign in", body: b.String()}
}

// A Code is the page on which a person types the code that a device shows, or
// sees one that came along.
type Code struct{ Action, Typed, Problem string }

// Page draws it.
func (c Code) Page() Page {
	var b strings.Builder
	b.WriteString("<h1>Sign in on a device</h1>\n<p class=\"lead\">Go on only if a device of yours shows this very code, and you asked it to.</p>\n")
	invalid := ""
	if c.Problem != "" {
		b.WriteString(`<p class="alert" role="alert" id="problem">` + text(c.Problem) + "</p>\n")
		invalid = ` aria-invalid="true" aria-describedby="problem"`
	}
	b.WriteString(`<form method="post" action="` + html.EscapeString(c.Action) + `">` + "\n<label for=\"user_code\">Code</label>\n" +
		`<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required value="` +
		html.EscapeString(c.Typed) + `"` + invalid + ` autofocus>` +
		"\n<div class=\"buttons\"><button type=\"submit\" class=\"primary\">Continue</button></div>\n</form>\n")
	return Page{title: "Sign in on a device", body: b.String()}
}

// A Consent is the page that asks whether a client may.
type Consent struct {
	Action, Tx, CSRF string
	Client, User     string
	Where            string   // the host or scheme the answer goes to
	Items            []string // what the client would get, in words
}

// Page draws it.
func (c Consent) Page(target string) Page {
	var b strings.Builder
	b.WriteString("<h1>Allow access?</h1>\n<p class=\"lead\"><strong>" + text(c.Client) + "</strong> asks for the following. " +
		"You are signed in as <strong>" + text(c.User) + "</strong>.</p>\n<ul class=\"items\">\n")
	for _, i := range c.Items {
		b.WriteString("<li>" + text(i) + "</li>\n")
	}
	b.WriteString("</ul>\n<p class=\"small\">The answer goes to <code>" + text(c.Where) + "</code>.</p>\n" +
		`<form method="post" action="` + html.EscapeString(c.Action) + `">` + field("tx", c.Tx) + field("csrf", c.CSRF) +
		"\n<div class=\"buttons\"><button type=\"submit\" name=\"action\" value=\"allow\" class=\"primary\">Allow</button>" +
		"<button type=\"submit\" name=\"action\" value=\"deny\">Deny</button></div>\n</form>\n")
	return Page{Target: target, title: "Allow access?", body: b.String()}
}

// A SignOut is the page that asks whether to end the session.
type SignOut struct{ Action, Tx, CSRF, Client, User string }

// Page draws it.
func (s SignOut) Page(target string) Page {
	asks := ""
	if s.Client != "" {
		asks = "<strong>" + text(s.Client) + "</strong> asks to sign you out. "
	}
	return Page{Target: target, title: "Sign out", body: "<h1>Sign out?</h1>\n<p class=\"lead\">" + asks +
		"You are signed in as <strong>" + text(s.User) + "</strong>.</p>\n" +
		`<form method="post" action="` + html.EscapeString(s.Action) + `">` + field("tx", s.Tx) + field("csrf", s.CSRF) +
		"\n<div class=\"buttons\"><button type=\"submit\" name=\"action\" value=\"logout\" class=\"primary\">Sign out</button>" +
		"<button type=\"submit\" name=\"action\" value=\"stay\">Stay signed in</button></div>\n</form>\n"}
}

// Leaving is the page that tells the clients of a session, each in a frame of
// its own, and then goes on to uri by itself (Front-Channel Logout 2).
func Leaving(frames []string, uri string) Page {
	body := "<h1>Signed out</h1>\n<p class=\"lead\">The applications that you were signed in to are being told.</p>\n"
	var origins []string
	for _, f := range frames {
		body += `<iframe hidden title="sign-out of an application" src="` + html.EscapeString(f) + `"></iframe>` + "\n"
		if t := Target(f); t != "" && !slices.Contains(origins, t) {
			origins = append(origins, t)
		}
	}
	p := Page{title: "Signed out", frames: strings.Join(origins, " ")}
	if uri != "" {
		body += `<p><a href="` + html.EscapeString(uri) + `">Back to the application</a></p>` + "\n"
		p.refresh = uri
	}
	p.body = body
	return p
}

// Notice is a page that only says something.
func Notice(status int, title, words string, details ...string) Page {
	body := "<h1>" + text(title) + "</h1>\n<p class=\"lead\">" + text(words) + "</p>\n"
	for _, d := range details {
		if d != "" {
			body += "<p class=\"small\"><code>" + text(d) + "</code></p>\n"
		}
	}
	return Page{Status: status, title: title, body: body}
}

// Post is a page that sends values to uri by itself (OAuth 2.0 Form Post
// Response Mode 2), or with a button where scripts are off.
func Post(uri string, values url.Values) Page {
	var b strings.Builder
	b.WriteString("<h1>One moment</h1>\n<p class=\"lead\">The answer is on its way to the application.</p>\n" +
		`<form method="post" action="` + html.EscapeString(uri) + `">`)
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range values[n] {
			b.WriteString(field(n, v))
		}
	}
	b.WriteString("\n<div class=\"buttons\"><button type=\"submit\" class=\"primary\">Go on</button></div>\n</form>\n")
	return Page{Target: Target(uri), title: "One moment", body: b.String(), script: "document.forms[0].submit()"}
}
