package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each setting arrives as each source writes it, where all the lower ones say
// something else: nothing on the way (a library's idea of a type, a list that
// grows instead of being replaced) may touch it.
func TestEverySettingFromEverySource(t *testing.T) {
	t.Parallel()
	for last := FromDefault; last <= FromFlag; last++ {
		var preferences, profile strings.Builder
		variables, flags, want := map[string]string{}, map[string][]string{}, map[string][]string{}
		for _, s := range Settings() {
			if s.Default != "" {
				want[s.Name] = []string{s.Default}
			}
			for from := FromPreferences; from <= last; from++ {
				if from <= FromProfile && !s.Profile || from == FromFlag && s.Secret {
					continue
				}
				values := sample(s.Kind, from)
				want[s.Name] = values
				switch from {
				case FromPreferences:
					writeSetting(&preferences, s, values)
				case FromProfile:
					writeSetting(&profile, s, values)
				case FromVariable:
					variables[Variable(s.Name)] = strings.Join(values, "\n")
				case FromFlag:
					flags[s.Name] = values
				}
			}
		}
		f := folder(t, map[string]string{"config.yaml": preferences.String(), "profiles/here.yaml": profile.String()})
		v, err := f.Load("here", flags, environment(variables))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range Settings() {
			got := v.List(s.Name)
			if one := v.String(s.Name) + v.Secret(s.Name).Reveal(); one != "" {
				got = append(got, one)
			}
			if !slices.Equal(got, want[s.Name]) {
				t.Errorf("source %d, %s: got %q, want %q", last, s.Name, got, want[s.Name])
			}
		}
	}
}

// sample is a value that only this source has, and that looks like another type
// wherever its kind allows.
func sample(k Kind, from Source) []string {
	switch k {
	case URL:
		return []string{fmt.Sprintf("https://OP.example/Source%d?a=b,c", from)}
	case Duration:
		return []string{fmt.Sprintf("0%d0s", from)}
	case Switch:
		return []string{FromPreferences: "true", FromProfile: "0", FromVariable: "T", FromFlag: "false"}[from : from+1]
	case List:
		return []string{fmt.Sprintf("A=0%d", from), "b=x, y  z", "c=="}
	case Texts:
		return []string{fmt.Sprintf("0%d.50", from), "1e3", "A, b  c", "yes"}
	}
	return []string{fmt.Sprintf("0%d.50", from)}
}

func writeSetting(file *strings.Builder, s Setting, values []string) {
	if s.Kind.Many() {
		fmt.Fprintf(file, "%s:\n- %s\n", s.Name, strings.Join(values, "\n- "))
		return
	}
	fmt.Fprintf(file, "%s: %s\n", s.Name, values[0])
}
