package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/app"
	"rely/internal/config"
	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/output"
)

// smoke lives the whole life of a throw-away client. Each step is the command
// that a person would run, in a folder of its own.
type smoke struct {
	*invocation
	expects listFlag

	issuer, dir string
	stdin       string // of the next step
	steps       []smokeStep
	broken      bool
}

// A smokeStep is one command and how it ended.
type smokeStep struct {
	Name   string  `json:"name"`
	Status string  `json:"status"` // passed, failed, not run
	Millis float64 `json:"took_ms"`
	Exit   int     `json:"exit"`
	Said   string  `json:"said,omitempty"` // why it failed, or was not run
}

func newSmoke(i *invocation) *cobra.Command {
	s := &smoke{invocation: i, expects: listFlag{placeholder: "EXPECTATION"}}
	c := &cobra.Command{
		Use:   "smoke [ISSUER]",
		Short: "Live the whole life of a throw-away client",
		Long: `Registers a client, signs a test user in, asks who it is, asks about the token,
renews and revokes it, proves that it is dead, signs out and deletes the client: each
step is the command of that name, with all its checks, in a temporary folder. What
was registered is deleted whatever happens, also on Ctrl-C.

One line for each step, with its time; -o junit for CI. The exit code is 8 where a
step failed. What the provider does not offer is not run, and says so. --expect
asserts claims, as "rely userinfo --expect" does.`,
		Example: `  rely smoke https://op.example --username alice --password-file FILE
  rely smoke https://op.example --username alice --password-file FILE --expect email_verified==true -o junit`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := s.open(c, false); err != nil {
				return err
			}
			return s.run(c.Context())
		},
	}
	i.settingFlags(c.Flags(), "issuer", "scope", "username", "password_file", "totp_secret_file", "initial_access_token_file")
	providerFlags(c)
	c.Flags().Var(&s.expects, "expect", "what has to hold of the claims, as email_verified==true; may stand more than once")
	return c
}

func (s *smoke) run(ctx context.Context) error {
	var err error
	if s.issuer, err = s.invocation.issuer(); err != nil {
		return err
	}
	if _, err := expectations(s.expects.values); err != nil {
		return err
	}
	if s.values.String("username") == "" {
		return &fault.Error{Kind: fault.Usage, ID: "smoke.user", Op: "run the smoke test", Err: errors.New("no test user is given"), Hint: "add --username NAME --password-file FILE"}
	}
	p, err := s.discover(ctx, s.issuer)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(s.Dirs.Temp, "rely-smoke-"); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "smoke.folder", Op: "make a temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	defer os.RemoveAll(s.dir)
	m := p.Metadata
	registered := s.step(ctx, "register", 0, append([]string{"register", s.issuer, "--client-name", "rely smoke, may be deleted"}, s.passed("scope", "initial_access_token_file")...)...)
	s.step(ctx, "login", 0, append([]string{"login", "--browser", "forms", "--non-interactive"}, s.passed("username", "password_file", "totp_secret_file")...)...)
	s.step(ctx, "tokens", 0, "tokens")
	userinfo := []string{"userinfo"}
	for _, e := range s.expects.values {
		userinfo = append(userinfo, "--expect", e)
	}
	s.offered(m.UserinfoEndpoint != "", "userinfo", func(name string) { s.step(ctx, name, 0, userinfo...) })
	s.offered(m.IntrospectionEndpoint != "", "introspect", func(name string) { s.step(ctx, name, 0, "introspect", "--active") })
	var token string
	s.offered(len(m.GrantTypes) == 0 || slices.Contains(m.GrantTypes, "refresh_token"), "refresh", func(name string) { token = s.step(ctx, name, 0, "tokens", "--force") })
	s.offered(m.RevocationEndpoint != "", "revoke", func(name string) { s.step(ctx, name, 0, "revoke") })
	s.offered(m.RevocationEndpoint != "" && m.IntrospectionEndpoint != "" && (token != "" || s.broken), "proof of revocation", func(name string) {
		s.stdin = token
		s.step(ctx, name, int(fault.Findings), "introspect", "-", "--active")
	})
	s.offered(m.EndSessionEndpoint != "", "logout", func(name string) { s.step(ctx, name, 0, "logout", "--browser", "forms") })
	if registered != "" || !s.broken || len(s.steps) > 1 && s.steps[0].Status == "passed" {
		s.broken = false // cleaning up is done whatever happened
		s.step(context.WithoutCancel(ctx), "delete", 0, "register", "delete")
	}
	return s.end(ctx)
}

// passed are flags of this command that a step gets as well.
func (s *smoke) passed(names ...string) []string {
	var out []string
	for _, name := range names {
		if v := s.values.String(name); v != "" && s.values.Source(name) > config.FromDefault {
			out = append(out, "--"+config.Flag(name), v)
		}
	}
	return out
}

// offered runs a step where the provider offers what it needs.
func (s *smoke) offered(is bool, name string, run func(name string)) {
	if is {
		run(name)
		return
	}
	s.note(smokeStep{Name: name, Status: "not run", Said: "the provider does not offer it"})
}

// step runs one command and gives what it printed. Behind a step that failed
// nothing is run.
func (s *smoke) step(ctx context.Context, name string, want int, args ...string) string {
	if s.broken || ctx.Err() != nil {
		s.note(smokeStep{Name: name, Status: "not run", Said: "a step before it failed"})
		return ""
	}
	var stdout, stderr bytes.Buffer
	a := *s.App
	a.Stdin, a.Stdout, a.Stderr, a.Interactive = strings.NewReader(s.stdin), &stdout, &stderr, false
	s.stdin = ""
	a.Dirs = app.Dirs{Config: s.dir, State: filepath.Join(s.dir, "state"), Temp: s.dir, Authority: s.Dirs.AuthorityDir()}
	a.LookupEnv = s.environment
	began := s.Now()
	code := Main(&a, append(append(args, "-p", "smoke"), s.passed("ca_cert", "timeout")...))
	step := smokeStep{Name: name, Status: "passed", Millis: float64(s.Now().Sub(began).Microseconds()) / 1000, Exit: code}
	if code != want {
		step.Status, step.Said = "failed", s.redact.Text(strings.TrimSpace(stderr.String()))
		s.broken = true
	}
	s.note(step)
	return stdout.String()
}

// environment keeps the person's settings out, but for what a test user needs.
func (s *smoke) environment(name string) (string, bool) {
	switch name {
	case config.Variable("password"), config.Variable("totp_secret"), config.Variable("initial_access_token"):
		return s.App.LookupEnv(name)
	case config.Variable("store"):
		return "file", true
	}
	if strings.HasPrefix(name, "RELY_") {
		return "", false
	}
	return s.App.LookupEnv(name)
}

func (s *smoke) note(step smokeStep) {
	s.steps = append(s.steps, step)
	if s.format() != "text" {
		return
	}
	line := fmt.Sprintf("%-8s %-20s", step.Status, step.Name)
	if step.Status != "not run" {
		line += fmt.Sprintf(" %8.1f ms", step.Millis)
	} else {
		line += " " + step.Said
	}
	fmt.Fprintln(s.Stdout, strings.TrimRight(line, " "))
	if step.Status == "failed" {
		fmt.Fprintf(s.Stdout, "  %s\n", strings.ReplaceAll(step.Said, "\n", "\n  "))
	}
}

// end prints the whole for machines; a step that failed is a finding.
func (s *smoke) end(ctx context.Context) error {
	var failed []string
	for _, step := range s.steps {
		if step.Status == "failed" {
			failed = append(failed, step.Name)
		}
	}
	if s.format() != "text" {
		err := output.Print(s.Stdout, s.format(), output.Result{Schema: "smoke/1", JSON: map[string]any{"issuer": s.issuer, "steps": s.steps},
			Document: func(format string) (string, error) { return s.document(format) }})
		if err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "run the smoke test", Err: errors.New("stopped"), Hint: "run it again when you are ready"}
	case len(failed) > 0:
		return &fault.Error{Kind: fault.Findings, ID: "smoke.failed", Op: "run the smoke test", Spec: "rely's own: every step has to work",
			Err: fmt.Errorf("failed: %s", strings.Join(failed, ", ")), Hint: "run \"rely doctor " + s.issuer + "\", or the step's command with --trace"}
	}
	return nil
}

// document is the run as a JUnit report; there are no findings for the others.
func (s *smoke) document(format string) (string, error) {
	if format != "junit" {
		return "", &fault.Error{Kind: fault.Usage, ID: "output.no-form", Op: "write the result", Err: fmt.Errorf("smoke has no %s form", format), Hint: "use --output junit, json or text"}
	}
	out := report.TestSuite{Name: fault.Visible(s.issuer), Tests: len(s.steps)}
	var took float64
	for _, step := range s.steps {
		c := report.TestCase{Name: step.Name, Class: fault.Visible(s.issuer), Time: fmt.Sprintf("%.3f", time.Duration(step.Millis*float64(time.Millisecond)).Seconds())}
		switch step.Status {
		case "failed":
			first, _, _ := strings.Cut(step.Said, "\n")
			c.Failure = &report.TestMessage{Message: first, Text: step.Said}
			out.Failures++
		case "not run":
			c.Skipped = &report.TestMessage{Message: step.Said}
			out.Skipped++
		}
		out.Cases, took = append(out.Cases, c), took+step.Millis
	}
	out.Time = fmt.Sprintf("%.3f", took/1000)
	return report.Tests("rely smoke", out), nil
}
