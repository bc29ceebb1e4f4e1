package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
)

// Quick is [Files.Current] without YAML: it understands a preferences file
// whose line current_profile is as rely itself writes it, and is not ok with
// anything else. A file that is not there has no current profile.
func (f Files) Quick() (name string, ok bool) {
	if f.Dir == "" {
		return "", true
	}
	data, err := os.ReadFile(f.Preferences())
	if os.IsNotExist(err) {
		return "", true
	}
	if err != nil || len(data) > maxSize {
		return "", false
	}
	seen := false
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		value, is := bytes.CutPrefix(line, []byte(current+":"))
		if !is {
			if !plainLine(line) {
				return "", false
			}
			continue
		}
		name = strings.Trim(string(value), " \r")
		if seen || !validName(name) || strings.EqualFold(name, "null") || bytes.HasPrefix(value, []byte(name)) {
			return "", false
		}
		seen = true
	}
	return name, true
}

// plainLine reports whether a line can neither be, nor hide, nor spoil the
// line that says which profile is current.
func plainLine(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	switch c := line[0]; {
	case c == ' ', c == '#', c == '\r':
		return !bytes.Contains(line, []byte(current))
	case c >= 'a' && c <= 'z':
		return !bytes.ContainsAny(line, "\"'{[&*!|>") && (bytes.Contains(line, []byte(": ")) || bytes.HasSuffix(bytes.TrimRight(line, "\r"), []byte(":")))
	}
	return false
}

// Digest is a cheap tag of all that the files say about a profile: it changes
// when the profile or the defaults for every profile change, and not when
// another profile becomes the current one. It reads bytes and checks nothing.
func (f Files) Digest(name string) string {
	h := sha256.New()
	if f.Dir != "" {
		preferences, _ := os.ReadFile(f.Preferences())
		for line := range bytes.Lines(preferences) {
			if !bytes.HasPrefix(line, []byte(current+":")) {
				_, _ = h.Write(line)
			}
		}
		_, _ = h.Write([]byte{0})
		if validName(name) {
			profile, _ := os.ReadFile(f.Path(name))
			_, _ = h.Write(profile)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
