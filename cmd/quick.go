package cmd

import (
	"context"
	"strings"
	"time"

	"rely/internal/app"
	"rely/internal/config"
	"rely/internal/output"
	"rely/internal/store"
)

// quickTokens answers "rely tokens" from one small session file, before viper,
// HTTP or a certificate pool is touched: scripts call it all the time. It does
// so only where nothing but the profile has a say, where the settings are
// those that the session was obtained under, and where the token lives for
// more than the default --min-ttl. Everything else is not done, and the whole
// command runs.
func quickTokens(a *app.App, args []string) (code int, done bool) {
	name, ok := quickArgs(args)
	if !ok || otherVariables(a) {
		return 0, false
	}
	files := config.Files{Dir: a.Dirs.Config}
	if name == "" {
		name = a.Env(config.Variable("profile"))
	}
	if name == "" {
		if name, ok = files.Quick(); !ok || name == "" {
			return 0, false
		}
	}
	if config.CheckName(name) != nil {
		return 0, false
	}
	st, err := store.File(store.Options{Dir: a.Dirs.State, Env: a.Env, Now: a.Now})
	if err != nil {
		return 0, false
	}
	access, expiry, settings, ok := st.Token(context.Background(), name)
	if !ok || settings != files.Digest(name) || expiry.Sub(a.Now()) < quickTTL {
		return 0, false
	}
	r := output.Result{Schema: "tokens/1", Raw: access.Reveal()}
	return 0, output.Print(a.Stdout, "raw", r) == nil
}

// quickTTL is the default --min-ttl. A profile that says otherwise keeps no
// digest with its sessions.
const quickTTL = 60 * time.Second

// quickArgs takes "tokens", "tokens -p NAME" and "tokens --profile NAME".
func quickArgs(args []string) (profile string, ok bool) {
	switch {
	case len(args) == 1 && args[0] == "tokens":
		return "", true
	case len(args) == 3 && args[0] == "tokens" && (args[1] == "-p" || args[1] == "--profile"):
		return args[2], true
	}
	return "", false
}

// otherVariables reports whether any variable of ours but RELY_HOME and
// RELY_PROFILE is set.
func otherVariables(a *app.App) bool {
	for _, pair := range a.Environ() {
		if strings.HasPrefix(pair, "RELY_") && !strings.HasPrefix(pair, "RELY_HOME=") && !strings.HasPrefix(pair, "RELY_PROFILE=") {
			return true
		}
	}
	return false
}
