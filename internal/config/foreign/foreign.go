// Package foreign reads what other programs keep about a client: the files of
// oxd, of PingOne's sample, of Google and of Keycloak. It runs nothing that it
// reads, swallows no key (what has no counterpart is named), quotes no secret
// in an error, and writes nothing.
package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rely/internal/fault"
	"rely/internal/secret"
)

// MaxSize is the size in bytes over which no file is read.
const MaxSize = 1 << 20

// A Record is what a file says about one client.
type Record struct {
	Format            string              // name of an entry of [Formats]
	Provider          string              // preset whose quirks the client needs; empty means none
	Settings          map[string][]string // by the names of our settings; one text, or the entries of a list
	ClientSecret      secret.String       // empty for a public client, and where the file hides it
	RegistrationToken secret.String       // registration access token (RFC 7592 3)
	RegistrationURI   string              // client configuration endpoint (RFC 7592 3)
	Metadata          map[string]any      // client metadata (RFC 7591 2): a string or []string by name
	Unknown           []Key               // what has no counterpart, in the file's order
	Notes             []string            // what the person should know, a sentence each
}

// A Key is one that was not taken over.
type Key struct {
	Name string // as the file writes it, with its section or parent
	Line int    // counted from 1
	Why  string // empty means that rely does not know it
}

// A Format is one kind of file that [Read] knows.
type Format struct {
	Name string // for people, as "oxd"
	Help string // what the file is

	syntax syntax
	is     func(all []value) bool
	take   func(r *reader, all []value) error
}

type syntax int

const (
	jsonSyntax syntax = iota
	iniSyntax
	pythonSyntax
)

// Formats is the table of formats, in the order in which they are tried.
func Formats() []Format {
	return []Format{
		{"oxd", "oxd's demosite.cfg", iniSyntax, isOxd, takeOxd},
		{"pingone", "config.cfg of PingOne's Python sample", pythonSyntax, isPingOne, takePingOne},
		{"google", "Google's client_secret.json", jsonSyntax, isGoogle, takeGoogle},
		{"keycloak", "Keycloak's adapter file, keycloak.json", jsonSyntax, isKeycloak, takeKeycloak},
		{"keycloak-client", "Keycloak's client export", jsonSyntax, isKeycloakClient, takeKeycloakClient},
	}
}

// Read recognizes the format of data by its content; name is the file's, for
// errors alone. Every error is a [*fault.Error] of kind Config with file, line
// and key, and without any value.
func Read(name string, data []byte) (*Record, error) {
	r := &reader{file: name}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // editors of Windows begin files so
	switch {
	case len(data) > MaxSize:
		return nil, r.refuse(0, "", errors.New("it has more than 1 MiB"))
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return nil, r.refuse(0, "", errors.New("it is no text in UTF-8"))
	}
	r.Settings, r.Metadata = map[string][]string{}, map[string]any{}
	var all []value
	var err error
	kind := sniff(string(data))
	switch kind {
	case jsonSyntax:
		all, err = r.parseJSON(data)
	case iniSyntax:
		all, err = r.parseINI(string(data))
	default:
		all, err = r.parsePython(string(data))
	}
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, f := range Formats() {
		if f.syntax == kind && f.is(all) {
			r.Format = f.Name
			if err := f.take(r, all); err != nil {
				return nil, err
			}
			return &r.Record, nil
		}
		names = append(names, f.Help)
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "foreign.format", Op: "read " + name,
		Err:  fmt.Errorf("it is none of the files that rely knows (%s)", strings.Join(names, "; ")),
		Hint: "use \"rely register ISSUER --client-id ID\" for any other client"}
}

// sniff tells the syntax by the first line that says something.
func sniff(text string) syntax {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[' && strings.Contains(line, "]") && !strings.ContainsAny(line[:strings.IndexByte(line, ']')], "\"{,"):
			return iniSyntax
		case line[0] == '{' || line[0] == '[':
			return jsonSyntax
		}
		return pythonSyntax
	}
	return pythonSyntax
}

// A value is what stands behind one key, in whatever syntax.
type value struct {
	key     string
	section string // of an INI file
	line    int
	texts   []string // none: the key says nothing
	members []value  // of an object
	odd     string   // why the content cannot be used; empty: it can
}

// name is how the person finds the key in the file.
func (v value) name() string {
	if v.section != "" {
		return "[" + v.section + "] " + v.key
	}
	return v.key
}

func has(all []value, keys ...string) bool {
	for _, v := range all {
		for _, k := range keys {
			if v.key == k {
				return true
			}
		}
	}
	return false
}

// A reader fills a record.
type reader struct {
	Record
	file      string
	redirects []string
}

// refuse words what is wrong with a line of the file; line 0 is all of it. why
// must not quote what may be a secret.
func (r *reader) refuse(line int, key string, why error) error {
	place := r.file
	if line > 0 {
		place += ":" + strconv.Itoa(line)
	}
	if key != "" {
		why = fmt.Errorf("%s: %w", key, why)
	}
	return &fault.Error{Kind: fault.Config, ID: "foreign.malformed", Op: "read " + place, Err: why, Hint: "correct the file, or make the profile with \"rely register ISSUER --client-id ID\""}
}

// note keeps a sentence for the person.
func (r *reader) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// leave names a key that is not taken over.
func (r *reader) leave(v value, why string) {
	if v.odd != "" {
		why = v.odd
	}
	r.Unknown = append(r.Unknown, Key{Name: v.name(), Line: v.line, Why: why})
}

// one is the value's only text, empty where the key says nothing.
func (r *reader) one(v value) (string, error) {
	if err := r.plain(v); err != nil {
		return "", err
	}
	switch {
	case len(v.texts) == 0:
		return "", nil
	case len(v.texts) > 1:
		return "", r.refuse(v.line, v.name(), errors.New("it has several values where one is wanted"))
	case strings.ContainsFunc(v.texts[0], unicode.IsControl):
		return "", r.refuse(v.line, v.name(), errors.New("it holds a line end or a control character"))
	case placeholder(v.texts[0]):
		return "", r.refuse(v.line, v.name(), errors.New("it still holds the sample's placeholder"))
	}
	return v.texts[0], nil
}

// plain refuses a value that is neither a text nor a list of texts.
func (r *reader) plain(v value) error {
	switch {
	case v.members != nil:
		return r.refuse(v.line, v.name(), errors.New("it is an object where a text is wanted"))
	case v.odd != "":
		return r.refuse(v.line, v.name(), errors.New(v.odd))
	}
	return nil
}

// placeholder reports whether a text is what samples write for "fill this in".
func placeholder(text string) bool {
	return len(text) > 2 && text[0] == '<' && text[len(text)-1] == '>'
}

// list is all that the value names, with each text split where separators
// stand.
func (r *reader) list(v value, separators string) ([]string, error) {
	if err := r.plain(v); err != nil {
		return nil, err
	}
	var out []string
	for _, text := range v.texts {
		for _, item := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	}
	if len(out) > maxItems {
		return nil, r.refuse(v.line, v.name(), fmt.Errorf("it has more than %d entries", maxItems))
	}
	for _, item := range out {
		if strings.ContainsFunc(item, unicode.IsControl) {
			return nil, r.refuse(v.line, v.name(), errors.New("it holds a control character"))
		}
	}
	return out, nil
}

// set gives a setting its value; an empty one says nothing.
func (r *reader) set(name string, v value) error {
	text, err := r.one(v)
	if err == nil && text != "" {
		r.Settings[name] = []string{text}
	}
	return err
}

// keep moves a value behind a secret's mask.
func (r *reader) keep(into *secret.String, v value) error {
	text, err := r.one(v)
	if err == nil && text != "" {
		*into = secret.New(text)
	}
	return err
}

// param makes the value a parameter of the authorization request.
func (r *reader) param(name string, v value, separators string) error {
	items, err := r.list(v, separators)
	if err == nil && len(items) > 0 {
		r.Settings["param"] = append(r.Settings["param"], name+"="+strings.Join(items, " "))
	}
	return err
}

// scope sets the scopes, which some files separate by commas.
func (r *reader) scope(v value) error {
	items, err := r.list(v, ", \t\n")
	if err == nil && len(items) > 0 {
		r.Settings["scope"] = []string{strings.Join(items, " ")}
	}
	return err
}

// metadata keeps a member of the client metadata that is one text.
func (r *reader) metadata(name string, v value) error {
	text, err := r.one(v)
	if err == nil && text != "" {
		r.Metadata[name] = text
	}
	return err
}

// metadataList keeps a member of the client metadata that is a list.
func (r *reader) metadataList(name string, v value, separators string) error {
	items, err := r.list(v, separators)
	if err != nil || len(items) == 0 {
		return err
	}
	have, _ := r.Metadata[name].([]string)
	for _, item := range items {
		have = appendNew(have, item)
	}
	r.Metadata[name] = have
	return nil
}

func appendNew(list []string, item string) []string {
	for _, have := range list {
		if have == item {
			return list
		}
	}
	return append(list, item)
}

// address is an absolute http or https URL, or an error that does not quote
// it: a user part may hold a password.
func (r *reader) address(v value, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return nil, r.refuse(v.line, v.name(), errors.New("it is no http or https URL without user part and fragment"))
	}
	return u, nil
}
