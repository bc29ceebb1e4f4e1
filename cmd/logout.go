package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rely/internal/fault"
	protocol "rely/internal/logout"
	"rely/internal/output"
)

// logout ends the session at the provider, revokes the tokens and forgets
// them, each told by itself.
type logout struct {
	*invocation
	all, localOnly, post, noHint, secretStdin bool
	waitFront, waitBack                       bool
	hint, locales, frontURI, backURI          string

	refused bool // before anything was done: the session stays
	waited  bool
	got     []protocol.Notice
	missing []protocol.Channel
	notices *protocol.Notices                // nil where none are waited for
	shared  map[string]http.HandlerFunc      // their paths on the listener of the sign-out
	story   func(format string, args ...any) // takes what is said; nil is standard error
}

type logoutJSON struct {
	Profile   string     `json:"profile"`
	Issuer    string     `json:"issuer,omitempty"`
	Subject   string     `json:"sub,omitempty"`
	Name      string     `json:"name,omitempty"`
	Forgotten bool       `json:"forgotten"`
	Steps     []stepJSON `json:"steps"`
}

// stepJSON is one thing that a logout did, tried or left out.
type stepJSON struct {
	Name   string `json:"name"`   // end-session, frontchannel, backchannel, revoke-refresh-token, revoke-access-token, forget
	Status string `json:"status"` // done, failed, skipped
	Spec   string `json:"spec,omitempty"`
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error,omitempty"` // ID of the failure

	Checks []rungJSON      `json:"checks,omitempty"` // of a notice
	Claims json.RawMessage `json:"claims,omitempty"` // of a logout token
}

func newLogout(i *invocation) *cobra.Command {
	l := &logout{invocation: i}
	c := &cobra.Command{
		Use:   "logout",
		Short: "Sign out at the provider, revoke the tokens, forget them",
		Long: `Ends the session: takes the browser to the provider's sign-out page (OpenID
Connect RP-Initiated Logout), waits until it is back at the registered
--post-logout-redirect-uri, revokes the refresh token and the access token (RFC
7009), and forgets the session on this machine. Each step is told by itself, and
one that fails does not stop the others: in the end nothing is left here, and the
exit code is that of the first failure.

The ID token goes along so that the provider knows whom to sign out. The address
that is shown or handed to a browser is one of this machine's own, which leads
there and works once: the token stands in no process list. --no-id-token-hint
leaves it out.

--local-only tells the provider nothing: the session here is forgotten, and
tokens that are out stay good until they end.

--wait-frontchannel and --wait-backchannel are for finding out what the provider
tells its clients: they listen at the client's registered frontchannel_logout_uri
and backchannel_logout_uri, check what comes by every rule and show it. With
--local-only rely starts nothing and waits for a sign-out that begins elsewhere.`,
		Example: `  rely logout
  rely logout -p work --browser none
  rely logout --local-only
  rely logout --all
  rely logout --wait-backchannel`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if l.all && c.Flags().Changed("profile") {
				return usage(errors.New("--all and --profile exclude each other"), "leave one of them out")
			}
			if l.all {
				return l.everyone(c)
			}
			if err := l.open(c, false); err != nil {
				return err
			}
			return l.run(c.Context())
		},
	}
	l.flags(c.Flags())
	exclusive(c, "client-secret-stdin", "client-secret-file")
	exclusive(c, "all", "wait-frontchannel")
	exclusive(c, "all", "wait-backchannel")
	for _, flag := range []string{"post", "no-id-token-hint", "logout-hint", "ui-locales"} {
		exclusive(c, "local-only", flag)
	}
	return c
}

// flags are those of the command, but for the ones that every command has.
func (l *logout) flags(f *pflag.FlagSet) {
	f.BoolVar(&l.all, "all", false, "sign out of every profile")
	f.BoolVar(&l.localOnly, "local-only", false, "forget the session here and tell the provider nothing")
	f.BoolVar(&l.post, "post", false, "send the request as a form that is posted, not as an address")
	f.BoolVar(&l.noHint, "no-id-token-hint", false, "do not send the ID token; the provider may ask who is to be signed out")
	f.StringVar(&l.hint, "logout-hint", "", "`TEXT` that tells the provider who is to be signed out (logout_hint)")
	f.StringVar(&l.locales, "ui-locales", "", "`TAGS` of the languages for the provider's page, as \"de en\" (ui_locales)")
	f.BoolVar(&l.waitFront, "wait-frontchannel", false, "wait for the provider's notice in the browser, and show it")
	f.BoolVar(&l.waitBack, "wait-backchannel", false, "wait for the provider's logout token, and show it")
	f.StringVar(&l.frontURI, "frontchannel-logout-uri", "", "registered `URL` for the notice in the browser, where rely did not register the client")
	f.StringVar(&l.backURI, "backchannel-logout-uri", "", "registered `URL` for the logout token, where rely did not register the client")
	f.BoolVar(&l.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	l.settingFlags(f, "post_logout_redirect_uri", "browser", "login_timeout", "open_timeout", "listen", "tls_cert", "tls_key",
		"client_secret_file", "client_key_file", "store")
	l.pages.add(f)
}

// everyone signs out of every profile, one after the other; one that fails
// does not stop the others.
func (l *logout) everyone(c *cobra.Command) error {
	if err := l.settingsOnly(c); err != nil {
		return err
	}
	l.catch()
	flags := given(c.Flags())
	names, err := l.folder(flags).List()
	if err != nil {
		return err
	}
	if err := l.forms("text", "json", "yaml"); err != nil {
		return err
	}
	list := []logoutJSON{}
	var first error
	for _, name := range names {
		one := *l
		one.invocation = &invocation{App: l.App, loud: l.loud, redact: l.redact, pages: l.pages, asked: l.asked, started: true, named: true}
		out := logoutJSON{Profile: name, Steps: []stepJSON{}}
		err := one.load(name, flags, false)
		if err == nil {
			out, err = one.end(c.Context())
		}
		list = append(list, out)
		if err != nil {
			if first != nil {
				l.explain(first)
			}
			first = err
		}
		if c.Context().Err() != nil {
			break
		}
	}
	if len(names) == 0 {
		l.say("There is no profile, and so nobody is signed in.\n")
	}
	if l.format() != "text" {
		if err := output.Print(l.Stdout, l.format(), output.Result{Schema: "logouts/1", JSON: map[string]any{"logouts": list}}); err != nil {
			return err
		}
	}
	return first
}

func (l *logout) run(ctx context.Context) error {
	if err := l.forms("text", "json", "yaml"); err != nil {
		return err
	}
	if l.profile == "" {
		return &fault.Error{Kind: fault.Config, ID: "profile.none", Op: "sign out", Err: errNoProfile, Hint: "run \"rely profile list\", or name a profile with -p"}
	}
	out, err := l.end(ctx)
	if l.format() != "text" && (err == nil || len(out.Steps) > 0) {
		if printed := output.Print(l.Stdout, l.format(), output.Result{Schema: "logout/1", JSON: out}); printed != nil {
			return printed
		}
	}
	return err
}

// say tells the person something, wherever they look.
func (l *logout) say(format string, args ...any) {
	if l.story != nil {
		l.story(format, args...)
		return
	}
	l.invocation.say(format, args...)
}

// tell reports one step at once: the next may take a while.
func (l *logout) tell(s stepJSON) {
	mark := map[string]string{"done": "ok", "failed": "FAILED", "skipped": "-"}[s.Status]
	what := map[string]string{
		"end-session": "end the session at the provider", "revoke-refresh-token": "revoke the refresh token",
		"revoke-access-token": "revoke the access token", "forget": "forget the session here",
		"frontchannel": "receive the front-channel notice", "backchannel": "receive the logout token",
	}[s.Name]
	l.say("%s\n", strings.TrimRight(fmt.Sprintf("  %-6s  %-32s  %s", mark, what, s.Spec), " "))
	if s.Detail != "" {
		l.say("          %s\n", fault.VisibleUpTo(l.redact.Text(s.Detail), 300))
	}
}

// step words what became of one.
func step(name, spec string, err error) stepJSON {
	s := stepJSON{Name: name, Spec: spec, Status: "done"}
	if err != nil {
		f := worded(err)
		s.Status, s.Detail, s.Error = "failed", strings.TrimPrefix(err.Error(), f.Op+": "), f.ID
	}
	return s
}

func skipped(name, spec, why string) stepJSON {
	return stepJSON{Name: name, Spec: spec, Status: "skipped", Detail: why}
}

// farewell is the last line.
func (l *logout) farewell(out logoutJSON, failed bool) {
	who := ""
	if out.Name != "" {
		who = " " + fault.VisibleUpTo(out.Name, 100)
	}
	where := fmt.Sprintf("%s (profile %s)", fault.Visible(out.Issuer), out.Profile)
	switch {
	case l.localOnly:
		l.say("Forgot the session of%s at %s. The provider was not told.\n", orSomebody(who), where)
	case failed:
		l.say("Nothing is left here of the session at %s; what failed above may live on there.\n", where)
	default:
		l.say("Signed%s out of %s.\n", who, where)
	}
}

func orSomebody(who string) string {
	if who == "" {
		return " the client"
	}
	return who
}
