package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"rely/internal/strictjson"
)

// A Refusal is an OAuth error response in the provider's own words (RFC 6749
// 4.1.2.1 and 5.2, RFC 7591 3.2.2), for whoever can do something with them.
type Refusal struct{ Code, Description, URI string }

// RefusalIn reads the members of an error response. One that is no string
// counts as absent.
func RefusalIn(members map[string]json.RawMessage) *Refusal {
	r := &Refusal{}
	for name, into := range map[string]*string{"error": &r.Code, "error_description": &r.Description, "error_uri": &r.URI} {
		_ = strictjson.Read(members[name], into)
	}
	return r
}

// Error is all of what the provider said, as it was sent.
func (r *Refusal) Error() string {
	said := r.Code
	if r.Description != "" {
		said += ": " + r.Description
	}
	if r.URI != "" {
		said += " (" + r.URI + ")"
	}
	return said
}

// Check refuses control characters, which no error may have (RFC 6749 4.1.2.1
// and 5.2) and which do things to terminals and logs. What else lies outside
// the set of those sections does no harm and is common: letters of any
// language, quotes, and a description in lines, as Microsoft sends it.
func (r *Refusal) Check() error {
	for _, m := range []struct{ name, value, may string }{
		{"error", r.Code, ""}, {"error_description", r.Description, "\t\r\n"}, {"error_uri", r.URI, ""},
	} {
		if strings.ContainsFunc(m.value, func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune(m.may, c) }) {
			return fmt.Errorf("its %s holds control characters, which no error may have", m.name)
		}
	}
	return nil
}
