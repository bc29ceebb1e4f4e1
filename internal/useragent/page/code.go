package page

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Code is the form that asks for a one-time code and for no password, and the
// field for it.
func (p *Page) Code() (*Form, *Control) {
	for _, f := range p.Forms {
		if f.sets() {
			continue
		}
		if c := f.Code(); c != nil {
			return f, c
		}
	}
	return nil, nil
}

// Code is the form's field for a one-time code, nil where it has none.
func (f *Form) Code() *Control {
	for _, c := range f.Controls {
		if c.OneTime() && c.Value == "" {
			return c
		}
	}
	return nil
}

// OneTime reports a field for a one-time code: marked as one (HTML 4.10.18.7),
// or named so. The code of a device, a country or a voucher is another thing.
func (c *Control) OneTime() bool {
	if c.Hidden || c.Kind != "password" && !c.Typed() {
		return false
	}
	if c.Digit {
		return true
	}
	if slices.Contains(strings.Fields(c.Autocomplete), "one-time-code") {
		return true
	}
	words := parts(c.Name + " " + c.ID)
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case mentions(c.Autocomplete, "password", "postal-code"),
		has("user", "device", "post", "postal", "zip", "country", "area", "promo", "coupon", "voucher", "gift", "invite",
			"lang", "language", "qr", "bar", "recovery", "backup"):
		return false
	case has("otp", "totp", "otc", "mfa", "tfa", "passcode", "onetimecode", "otpcode", "totpcode", "mfacode", "tfacode"),
		mentions(c.Name+" "+c.ID, "2fa", "totp"):
		return true
	}
	return has("code", "verificationcode", "securitycode", "authcode") && (len(words) == 1 || len(words) == 2 && words[0] == words[1]) ||
		mentions(c.Label, "one-time", "one time", "authenticator", "verification code", "authentication code")
}

// digits marks the fields of a code that is typed a character each: four to
// eight of them in a row.
func (f *Form) digits() {
	var row []*Control
	end := func() {
		for _, c := range row {
			c.Digit = len(row) >= 4 && len(row) <= 8
		}
		row = nil
	}
	for _, c := range f.Controls {
		switch {
		case !c.Hidden && c.length == 1 && (c.Kind == "password" || c.Typed()):
			row = append(row, c)
		case !c.Hidden:
			end()
		}
	}
	end()
}

// Spread puts a code into typed: whole into c, or a character into each field
// of the row that c begins.
func (f *Form) Spread(c *Control, code string, typed map[*Control]string) {
	if !c.Digit {
		typed[c] = code
		return
	}
	for _, d := range f.Controls[slices.Index(f.Controls, c):] {
		if d.Digit && code != "" {
			typed[d], code = code[:1], code[1:]
		}
	}
}

// parts splits names at what is neither letter nor digit, and where camelCase
// begins a word, in lower case.
func parts(names string) []string {
	var b strings.Builder
	lower := false
	for _, r := range names {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// Account is the form that offers the account name to choose, and its button:
// one that names it, or any that goes on once the account's radio button is
// marked, which Account does.
func (p *Page) Account(name string) (*Form, *Control) {
	if name == "" {
		return nil, nil
	}
	for _, f := range p.Forms {
		if f.Question() != nil {
			continue
		}
		for _, c := range f.Controls {
			switch {
			case !c.names(name):
			case c.submits() && c.verdict() != refuses:
				return f, c
			case c.Kind == "radio" && !c.Hidden:
				f.mark(c)
				return f, f.Button()
			}
		}
	}
	return nil, nil
}

// AccountLink is the one link that names the account, on a page that has
// something to choose and nothing to fill in.
func (p *Page) AccountLink(name string) *url.URL {
	var found *url.URL
	if name == "" || slices.ContainsFunc(p.Forms, func(f *Form) bool { return f.Question() != nil }) {
		return nil
	}
	for _, l := range p.Links {
		c := Control{Label: l.Text}
		switch {
		case !c.names(name) || c.verdict() == refuses:
		case found != nil && *found != *l.URL:
			return nil
		default:
			found = l.URL
		}
	}
	return found
}

// names reports whether the control stands for an account: name is its value,
// or one of the words on it.
func (c *Control) names(name string) bool {
	if strings.EqualFold(c.Value, name) {
		return true
	}
	return slices.ContainsFunc(strings.Fields(c.Label), func(w string) bool {
		return strings.EqualFold(strings.Trim(w, "()<>,;:"), name)
	})
}

// mark chooses a radio button.
func (f *Form) mark(radio *Control) {
	for _, c := range f.Controls {
		if c.Kind == "radio" && c.Name == radio.Name {
			c.Checked = c == radio
		}
	}
}
