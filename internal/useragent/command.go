package useragent

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rely/internal/fault"
)

// command runs a program of the user's with the URL.
type command struct {
	o    Options
	line string
	argv []string
}

func (c command) Name() string { return c.line }

// Visit runs the command and waits for it. What it prints goes to
// Options.Stderr. It is killed when ctx ends, so end ctx only when the
// sign-in is given up: the command may be a browser with other windows.
//
//	Config  useragent.command  it did not start, or ended with another status than 0
func (c command) Visit(ctx context.Context, v Visit) error {
	target, err := CheckURL(v.URL)
	if err != nil {
		return err
	}
	argv := withURL(c.argv, target)
	run := exec.CommandContext(ctx, argv[0], argv[1:]...)
	run.Env = append([]string{}, c.o.Env...) // never nil, which would mean our own
	run.Stdout, run.Stderr = c.o.Stderr, c.o.Stderr
	// A browser that the command leaves behind keeps the pipe open.
	run.WaitDelay = time.Second
	err = run.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	const op = "run the command that opens the login page"
	if err := ended(ctx, op); err != nil {
		return err
	}
	return &fault.Error{Kind: fault.Config, ID: "useragent.command", Op: op,
		Hint: "see what the command itself said; --browser none gives the address to try by hand", Err: fmt.Errorf("%q: %w", c.argv[0], err)}
}

// withURL puts the URL in the place of %s, or behind the last word. %% is a
// percent sign and %c a colon, as in $BROWSER.
func withURL(argv []string, target string) []string {
	r := strings.NewReplacer("%s", target, "%c", ":", "%%", "%")
	out := make([]string, 0, len(argv)+1)
	placed := false
	for i, w := range argv {
		// The program itself is never taken from the URL.
		if i > 0 {
			w = r.Replace(w)
			placed = placed || strings.Contains(w, target)
		}
		out = append(out, w)
	}
	if !placed {
		out = append(out, target)
	}
	return out
}

// words splits a command line at blanks. Quotes group, and a backslash takes
// the next character as it is (POSIX Shell Command Language 2.2) unless
// backslash is false, as for Windows paths. Nothing is expanded.
func words(line string, backslash bool) ([]string, error) {
	var list []string
	var word strings.Builder
	started, escaped := false, false
	var quote rune
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\$`", r) {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && backslash && quote != '\'':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, started = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if started {
				list = append(list, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote is not closed")
	case escaped:
		return nil, errors.New("nothing follows the last backslash")
	case started:
		list = append(list, word.String())
	}
	return list, nil
}
