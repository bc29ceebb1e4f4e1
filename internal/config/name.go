package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"rely/internal/fault"
)

// CheckName refuses what cannot be a profile's name on every system: a name is
// 1 to 64 letters, digits, dots, dashes and underscores, starts with a letter
// or digit, and is no device of Windows. The error is of kind Usage.
func CheckName(name string) error {
	err := errors.New("a profile's name has 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit")
	if validName(name) {
		if !device(name) {
			return nil
		}
		err = errors.New("the name is that of a device on Windows")
	}
	return &fault.Error{Kind: fault.Usage, ID: "config.name", Op: fmt.Sprintf("use the profile name %q", name),
		Hint: "choose another name, as work or op.example", Err: err}
}

func validName(name string) bool {
	if name == "" || len(name) > 64 || !alphanumeric(name[0]) {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func nameByte(c byte) bool { return alphanumeric(c) || c == '.' || c == '-' || c == '_' }

// device reports whether Windows takes a file of this name for a device, which
// it does whatever follows the first dot.
func device(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '0' && base[3] <= '9'
}

// ProfileNameFor is a valid profile name after an issuer's host, with the port
// and the path where there are any, as op.example-tenant-v2.0. Two issuers may
// have the same name; "default" stands for what has no host.
func ProfileNameFor(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return "default"
	}
	words := strings.FieldsFunc(strings.ToLower(u.Host)+"/"+u.Path, func(r rune) bool {
		return r > 127 || !nameByte(byte(r))
	})
	name := strings.TrimLeft(strings.Join(words, "-"), ".-_")
	name = strings.TrimRight(name[:min(len(name), 64)], ".-_")
	switch {
	case name == "":
		return "default"
	case device(name):
		return "op-" + name[:min(len(name), 61)]
	}
	return name
}
