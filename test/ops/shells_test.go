package ops

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two profiles, one of them with all that a name may have.
var profiles = []string{"Work.PROD-2", "home"}

// TestCompletion asks each shell, not our own code, what completes
// "rely profile use".
func TestCompletion(t *testing.T) {
	for shell, script := range map[string]string{
		"bash": `
			. /usr/share/bash-completion/bash_completion
			. <(rely completion bash)
			COMP_WORDS=(rely profile use '') COMP_CWORD=3 COMP_LINE='rely profile use ' COMP_POINT=17
			compopt() { :; } # it works in the middle of a line only
			$(complete -p rely | sed 's/.*-F \([^ ]*\).*/\1/')
			printf '%s\n' "${COMPREPLY[@]}"`,
		"fish": `
			rely completion fish | source
			complete --do-complete 'rely profile use '`,
	} {
		t.Run(shell, func(t *testing.T) {
			h := twoProfiles(t, shell)
			out := h.shell(shell, "-c", script)
			var got []string
			for line := range strings.Lines(out) {
				name, _, _ := strings.Cut(line, "\t") // a description may follow
				got = append(got, strings.Fields(name)...)
			}
			slices.Sort(got)
			if !slices.Equal(got, profiles) {
				t.Errorf("got %q, want %q; the shell said:\n%s", got, profiles, out)
			}
		})
	}
}

// TestCompletionTyped types a tab into a zsh on a terminal of its own.
func TestCompletionTyped(t *testing.T) {
	h := twoProfiles(t, "zsh")
	h.exits(0, "profile", "use", "home")
	h.shell("zsh", "-f", "-c", `
		zmodload zsh/zpty
		zpty typed 'zsh -f -i'
		zpty -w typed 'PS1=; autoload -U compinit; compinit -u -D; . <(rely completion zsh); echo rea""dy'
		zpty -r typed out '*ready*' || exit
		zpty -w -n typed $'rely profile use Wor\t\n'
		zpty -w typed 'echo do""ne'
		zpty -r typed out '*done*'`)
	var list struct {
		Profiles []struct {
			Name    string
			Current bool
		}
	}
	h.result("profiles/1", &list, "profile", "list")
	for _, p := range list.Profiles {
		if p.Current != (p.Name == "Work.PROD-2") {
			t.Errorf("got %q current: %t, want the one that the tab completed", p.Name, p.Current)
		}
	}
}

// TestCompletionScripts: PowerShell is not here to be asked.
func TestCompletionScripts(t *testing.T) {
	h := twoProfiles(t, "bash")
	if r := h.exits(0, "completion", "powershell"); !strings.Contains(r.stdout, "Register-ArgumentCompleter") {
		t.Errorf("got %d bytes without Register-ArgumentCompleter, want a script", len(r.stdout))
	}
	if r := h.exits(0, "__complete", "profile", "use", "Wor"); !strings.HasPrefix(r.stdout, "Work.PROD-2") {
		t.Errorf("got %q, want what every script asks for", r.stdout)
	}
}

// twoProfiles is a home with profiles to complete.
func twoProfiles(t *testing.T, shell string) *home {
	t.Helper()
	need(t, shell, "/usr/share/bash-completion/bash_completion")
	t.Parallel()
	h := newHome(t)
	dir := filepath.Join(h.dir, "rely", "profiles")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range profiles {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte("issuer: https://op.example\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// shell runs a shell in the home, with rely in its path, and returns what it says.
func (h *home) shell(args ...string) string {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.WaitDelay = h.dir, 10*time.Second
	cmd.Env = append(slices.Clone(h.env), "TERM=dumb", "PATH="+filepath.Dir(h.program)+":"+strings.TrimPrefix(h.env[0], "PATH="))
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	return string(out)
}
