package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rely/internal/app"
	"rely/internal/config"
	"rely/internal/trace"
)

// TestPresetPrecedence puts a preset below everything that is given, and above
// what config.yaml says for every profile.
func TestPresetPrecedence(t *testing.T) {
	t.Parallel()
	type values map[string]string
	cases := map[string]struct {
		args          string
		env           values
		preferences   string
		profile       string
		want          values
		wantedProfile string
	}{
		"alone": {args: "--provider google", wantedProfile: "accounts.google.com",
			want: values{"issuer": "https://accounts.google.com", "param": "access_type=offline prompt=consent", "redirect_uri": "http://127.0.0.1:0"}},
		"a flag wins": {args: "--provider google --redirect-uri http://localhost:0", wantedProfile: "accounts.google.com",
			want: values{"redirect_uri": "http://localhost:0"}},
		"a parameter wins, the others stay": {args: "--provider google --param prompt=login --param hd=a.example", wantedProfile: "accounts.google.com",
			want: values{"param": "prompt=login hd=a.example access_type=offline"}},
		"a variable wins": {args: "--provider google", env: values{"RELY_REDIRECT_URI": "http://localhost:0"}, wantedProfile: "accounts.google.com",
			want: values{"redirect_uri": "http://localhost:0"}},
		"the profile wins": {args: "--provider google -p work", profile: "redirect_uri: http://localhost:0\nparam: [access_type=online]\n", wantedProfile: "work",
			want: values{"redirect_uri": "http://localhost:0", "param": "access_type=online prompt=consent", "issuer": "https://accounts.google.com"}},
		"config.yaml does not": {args: "--provider google", preferences: "issuer: https://op.example\nparam: [access_type=online]\nscope: openid\n", wantedProfile: "accounts.google.com",
			want: values{"issuer": "https://accounts.google.com", "param": "access_type=offline prompt=consent", "scope": "openid"}},
		"the current profile stays out of it": {args: "--provider google", preferences: "current_profile: work\n", profile: "issuer: https://op.example\n", wantedProfile: "accounts.google.com",
			want: values{"issuer": "https://accounts.google.com"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{"config.yaml": c.preferences, "profiles/work.yaml": c.profile} {
				if text == "" {
					continue
				}
				path := filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			i := &invocation{redact: &trace.Redactor{}, App: &app.App{Dirs: app.Dirs{Config: dir},
				LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}}
			login, _, err := newRoot(i, nil).Find([]string{"login"})
			if err == nil {
				err = login.ParseFlags(strings.Fields(c.args))
			}
			if err == nil {
				err = i.open(login, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			got := values{}
			for setting := range c.want {
				got[setting] = strings.Join(i.all(setting), " ")
			}
			if diff := cmp.Diff(c.want, got); diff != "" || i.profile != c.wantedProfile {
				t.Errorf("profile %s, want %s; -want +got:\n%s", i.profile, c.wantedProfile, diff)
			}
			if src := i.values.Source("issuer"); src != config.FromFlag {
				t.Errorf("the issuer comes from source %d: it would not be kept in the profile", src)
			}
		})
	}
}
