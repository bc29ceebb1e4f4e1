package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A prompt is one command of a console block with the output that the page
// promises.
type prompt struct {
	line    int
	command string
	want    []string
}

// The issuer as the pages write it, and as a profile's name.
const (
	pageHost    = "127.0.0.1:9400"
	pageProfile = "127.0.0.1-9400"
	pagePort    = "8910" // of a listener; any free one takes its place
)

// TestDocsConsoleBlocks runs each page's console blocks in one shell, in a
// folder and a home of the page's own. A line "$ ..." is a command, what
// follows is its output; "..." alone stands for any lines, inside a line for
// any text; blanks in a row count as one. Where a page names the issuer, a
// "rely op" runs for it, with the flags of a comment <!-- rely op FLAGS -->.
func TestDocsConsoleBlocks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("the console blocks need a POSIX shell")
	}
	for name, text := range docPages(t) {
		prompts := docPrompts(t, name, text)
		if len(prompts) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runDocPage(t, name, text, prompts)
		})
	}
}

// docPrompts takes a page's console blocks apart.
func docPrompts(t *testing.T, name, text string) []prompt {
	t.Helper()
	var out []prompt
	inside, open := false, false
	for n, line := range strings.Split(text, "\n") {
		command, is := strings.CutPrefix(line, "$ ")
		switch {
		case line == "```console":
			inside, open = true, false
		case inside && strings.HasPrefix(line, "```"):
			inside = false
		case !inside:
		case is:
			out = append(out, prompt{line: n + 1, command: command})
			open = strings.HasSuffix(command, `\`)
		case len(out) == 0:
			t.Errorf("%s:%d: output without a command", name, n+1)
		case open:
			out[len(out)-1].command += "\n" + line
			open = strings.HasSuffix(line, `\`)
		default:
			out[len(out)-1].want = append(out[len(out)-1].want, line)
		}
	}
	return out
}

func runDocPage(t *testing.T, name, text string, prompts []prompt) {
	t.Helper()
	for _, tool := range []string{"curl", "jq"} {
		used := slices.ContainsFunc(prompts, func(p prompt) bool { return regexp.MustCompile(`\b` + tool + `\b`).MatchString(p.command) })
		if _, err := exec.LookPath(tool); used && err != nil {
			t.Skipf("%s needs %s", name, tool)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Plain files, never the keychain of whoever runs the tests.
	for file, text := range map[string]string{"home/config.yaml": "store: file", "alice.pw": demoAlice, "bob.pw": demoBob, "web.secret": "web-secret-0123456789abcdef", "service.secret": "service-secret-0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "nobody"), "RELY_HOME=" + filepath.Join(dir, "home"),
		"TMPDIR=" + dir, "LC_ALL=C", "GORACE=atexit_sleep_ms=0",
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	free, err := freePort(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free)
	written, real := []string{pagePort, port}, []string{port, pagePort}
	if strings.Contains(text, pageHost) {
		host := docProvider(ctx, t, text, env)
		profile := strings.ReplaceAll(host, ":", "-")
		written = append(written, pageHost, host, pageProfile, profile)
		real = append(real, host, pageHost, profile, pageProfile)
	}
	there, page := strings.NewReplacer(written...), strings.NewReplacer(real...)
	got := docShell(ctx, t, dir, env, prompts, there)
	for n, p := range prompts {
		have, want := docLines(strings.Split(page.Replace(got[n]), "\n")), docLines(p.want)
		if !docMatches(have, want) {
			t.Errorf("%s:%d: $ %s\ngot\n\t%s\nwant\n\t%s", name, p.line, p.command, strings.Join(have, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// docProvider runs "rely op" until the test ends and gives its host and port.
func docProvider(ctx context.Context, t *testing.T, text string, env []string) string {
	t.Helper()
	args := []string{"op", "--listen", "127.0.0.1:0"}
	if m := regexp.MustCompile(`<!-- rely op (.*) -->`).FindStringSubmatch(text); m != nil {
		args = append(args, strings.Fields(m[1])...)
	}
	op := exec.CommandContext(ctx, "rely", args...)
	op.Env = env
	stdout, err := op.StdoutPipe()
	if err == nil {
		err = op.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = op.Process.Kill(); _ = op.Wait() })
	issuer, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("rely %s: %v", strings.Join(args, " "), err)
	}
	_, host, _ := strings.Cut(strings.TrimSpace(issuer), "://")
	return host
}

// docShell runs the commands one after the other in one shell and gives what each
// of them printed, standard output and standard error as they came.
func docShell(ctx context.Context, t *testing.T, dir string, env []string, prompts []prompt, there *strings.Replacer) []string {
	t.Helper()
	const mark = "@@ next command @@"
	var script strings.Builder
	for _, p := range prompts {
		// The parentheses leave $? to the next command as it was.
		fmt.Fprintf(&script, "%s\n{ s=$?; printf '\\n%s\\n'; (exit $s); }\n", there.Replace(p.command), mark)
	}
	sh := exec.CommandContext(ctx, "sh", "-c", script.String())
	var both bytes.Buffer
	sh.Dir, sh.Env, sh.Stdout, sh.Stderr, sh.WaitDelay = dir, env, &both, &both, 10*time.Second
	err := sh.Run()
	var status *exec.ExitError
	parts := strings.Split(both.String(), "\n"+mark+"\n")
	if err != nil && !errors.As(err, &status) || len(parts) != len(prompts)+1 {
		t.Fatalf("the shell came to %d commands of %d: %v\n%s", len(parts)-1, len(prompts), err, both.String())
	}
	return parts[:len(prompts)]
}

// docLines makes runs of blanks one, because a shorter port shortens a column, and
// drops empty lines at the end.
func docLines(lines []string) []string {
	out := []string{}
	for _, line := range lines {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func docMatches(have, want []string) bool {
	switch {
	case len(want) == 0:
		return len(have) == 0
	case want[0] == "...":
		return docMatches(have, want[1:]) || len(have) > 0 && docMatches(have[1:], want)
	case len(have) == 0:
		return false
	}
	return docMatchesLine(have[0], want[0]) && docMatches(have[1:], want[1:])
}

func docMatchesLine(have, want string) bool {
	first, rest, more := strings.Cut(want, "...")
	have, ok := strings.CutPrefix(have, first)
	for ok && more {
		var part string
		part, rest, more = strings.Cut(rest, "...")
		if !more {
			return strings.HasSuffix(have, part)
		}
		_, have, ok = strings.Cut(have, part)
	}
	return ok && have == ""
}
