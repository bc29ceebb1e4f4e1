package config

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"

	"rely/internal/fault"
	"rely/internal/secret"
)

// A Source says where a value comes from; the later ones win.
type Source int

// The sources of values.
const (
	Unset           Source = iota // nowhere: the value is empty
	FromDefault                   // the table of settings
	FromPreferences               // config.yaml, for every profile
	FromProfile                   // the profile's file
	FromVariable                  // the environment
	FromFlag                      // the command line
)

// Values is what all sources together say. The zero value knows no setting.
type Values struct {
	Profile string // the profile's name, never empty after Load
	Exists  bool   // whether the profile has a file
	all     map[string]value
}

type value struct {
	text   string
	list   []string
	hidden secret.String
	source Source
	where  string
	files  []string // what the files or the table say of it, whatever the winner
	kept   bool     // and that is the profile's own file
}

func (v Values) get(name string) value {
	got, ok := v.all[name]
	if !ok && v.all != nil {
		if _, known := Find(name); !known {
			panic("config: no setting " + name)
		}
	}
	return got
}

// String gives a setting's text, "" if it is unset. It is empty for secrets.
func (v Values) String(name string) string { return v.get(name).text }

// List gives the entries of a [List] or [Texts].
func (v Values) List(name string) []string { return v.get(name).list }

// Secret gives a secret setting.
func (v Values) Secret(name string) secret.String { return v.get(name).hidden }

// Duration gives a [Duration], 0 if it is unset.
func (v Values) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(v.get(name).text)
	return d
}

// Bool gives a [Switch], false if it is unset.
func (v Values) Bool(name string) bool {
	b, _ := strconv.ParseBool(v.get(name).text)
	return b
}

// Source says which kind of source a setting's value comes from.
func (v Values) Source(name string) Source { return v.get(name).source }

// Replaced reports whether a flag or a variable says something else of a setting
// than the profile, config.yaml or the default.
func (v Values) Replaced(name string) bool {
	got := v.get(name)
	now := got.list
	if got.text != "" {
		now = []string{got.text}
	}
	return got.source >= FromVariable && !slices.Equal(now, got.files)
}

// Kept reports whether the profile's own file said exactly this of a setting when
// it was read.
func (v Values) Kept(name string, values []string) bool {
	got := v.get(name)
	return got.kept && slices.Equal(got.files, values)
}

// Where words a setting's source for people: "--scope", "RELY_SCOPE", a file
// with its line, "default", or "".
func (v Values) Where(name string) string { return v.get(name).where }

// Load merges flags over variables over the profile over config.yaml over the
// defaults. flags holds only what was given, under the settings' names; env
// looks up a variable, and an empty one counts as unset.
//
// An empty name means that nobody asked for a profile on the command line: it
// is then RELY_PROFILE's, else the current one, else "default". The profile
// need not exist, unless it was asked for by flag or variable; then the error
// has the ID config.missing, and the Values beside it are complete all the
// same, for the command that is about to make it.
//
// Other errors are Config for files and variables, Usage for flags.
func (f Files) Load(name string, flags map[string][]string, env func(string) (string, bool)) (Values, error) {
	m := merger{values: Values{all: make(map[string]value)}}
	m.viper = viper.NewWithOptions(viper.WithDecoderRegistry(&m))
	m.viper.SetConfigType("yaml")
	data, _, err := read(f.Preferences())
	if err == nil {
		err = m.file(f.Preferences(), data, true)
	}
	if err != nil {
		return Values{}, err
	}
	asked := true
	if name == "" {
		name, asked = env(Variable("profile"))
	}
	if name == "" {
		name, asked = m.current, false
	}
	if name == "" {
		name = "default"
	}
	data, exists, err := f.profile(name)
	if err == nil {
		err = m.file(f.Path(name), data, false)
	}
	if err != nil {
		return Values{}, err
	}
	if err := m.process(flags, env); err != nil {
		return Values{}, err
	}
	v := m.result(name)
	v.Exists = exists
	if asked && !exists {
		return v, f.missing(name)
	}
	return v, nil
}

// A merger reads one file after the other through viper, as its decoder of
// YAML, and notes where each value comes from, which viper does not tell.
type merger struct {
	viper       *viper.Viper
	path        string // of the file being read
	preferences bool
	current     string
	values      Values
}

func (m *merger) file(path string, data []byte, preferences bool) error {
	if len(data) == 0 {
		return nil // most often there is no such file
	}
	m.path, m.preferences = path, preferences
	err := m.viper.MergeConfig(bytes.NewReader(data))
	var f *fault.Error
	if errors.As(err, &f) {
		return f // without viper's words around it
	}
	return err
}

// Decoder makes the merger viper's registry of decoders.
func (m *merger) Decoder(string) (viper.Decoder, error) { return m, nil }

// Decode is strict where viper is not, and hands it texts alone: viper would
// read 0123 as a number.
func (m *merger) Decode(data []byte, into map[string]any) error {
	d, err := parse(m.path, data, m.preferences)
	if err != nil {
		return err
	}
	source := FromProfile
	if m.preferences {
		source = FromPreferences
	}
	for _, e := range d.entries {
		if e.name == current {
			m.current = e.values[0]
			continue
		}
		into[e.name] = e.values
		m.values.all[e.name] = value{source: source, where: m.path + ":" + strconv.Itoa(e.key.Line), files: e.values, kept: !m.preferences}
	}
	return nil
}

// process adds defaults, variables and flags.
func (m *merger) process(flags map[string][]string, env func(string) (string, bool)) error {
	variables := make(map[string]any)
	for n := range table() {
		s := &table()[n]
		if s.Default != "" && m.values.all[s.Name].source == Unset {
			m.values.all[s.Name] = value{source: FromDefault, where: "default", files: []string{s.Default}}
		}
		if text, _ := env(Variable(s.Name)); text != "" {
			list := []string{text}
			if s.Kind.Many() {
				list = strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
			}
			if err := s.given(list, fault.Config, "variable", Variable(s.Name)); err != nil {
				return err
			}
			variables[s.Name] = list
			m.overrule(s.Name, FromVariable, Variable(s.Name))
		}
		if list, ok := flags[s.Name]; ok {
			if err := s.given(list, fault.Usage, "flag", "--"+Flag(s.Name)); err != nil {
				return err
			}
			m.viper.Set(s.Name, list)
			m.overrule(s.Name, FromFlag, "--"+Flag(s.Name))
		}
	}
	if len(variables) == 0 {
		return nil
	}
	return m.viper.MergeConfigMap(variables)
}

// overrule notes that another source says something else than the files.
func (m *merger) overrule(name string, source Source, where string) {
	now := m.values.all[name]
	now.source, now.where = source, where
	m.values.all[name] = now
}

// given checks a value from outside the files. A secret is not quoted.
func (s Setting) given(list []string, kind fault.Kind, id, spelling string) error {
	err := s.check(list)
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: kind, ID: "config." + id, Op: "read " + spelling, Hint: "correct " + spelling, Err: err}
}

// result takes the winners out of viper.
func (m *merger) result(profile string) Values {
	for name, got := range m.values.all { // most settings stand nowhere
		s, _ := Find(name)
		list := got.files
		if got.source > FromDefault { // few are, and viper looks long
			list = m.viper.GetStringSlice(name)
		}
		switch {
		case s.Kind.Many():
			got.list = list
		case len(list) == 0:
		case s.Secret:
			got.hidden = secret.New(list[0])
		default:
			got.text = list[0]
		}
		m.values.all[name] = got
	}
	m.values.Profile = profile
	return m.values
}
