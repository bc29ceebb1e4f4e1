package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/fault"
	"rely/internal/loopback"
)

// op keeps the embedded provider running for other commands.
type op struct {
	*invocation
	listen   string
	faults   listFlag
	plain    bool
	requests bool
	legacy   bool
	options  demoop.Options // lifetimes
}

func newOP(i *invocation) *cobra.Command {
	o := &op{invocation: i}
	c := &cobra.Command{
		Use:   "op",
		Short: "Run a provider on this machine to test against",
		Long: `Runs the embedded OpenID Provider on loopback until Ctrl-C: two users (alice and
bob), the clients demo, web and service, open registration, everything in memory.
--fault makes it misbehave in exactly one way, for testing a relying party.
It is for trying things out and holds no real accounts.`,
		Example: "  rely op\n  rely op --fault wrong-nonce",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.settingsOnly(c); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:9400", "loopback `ADDRESS` to listen on; port 0 is any free one")
	c.Flags().VarP(&o.faults, "fault", "", "`NAME` of a misbehaviour (\"rely demo --list\" shows them)")
	c.Flags().BoolVar(&o.plain, "http", false, "plain http instead of https")
	c.Flags().BoolVar(&o.legacy, "legacy", false, "offer what is not to be used any more: implicit and hybrid flow, the password grant")
	c.Flags().BoolVar(&o.requests, "requests", false, "show each request on stderr")
	c.Flags().DurationVar(&o.options.AccessTTL, "access-ttl", 5*time.Minute, "`D`: how long access tokens live")
	c.Flags().DurationVar(&o.options.RefreshTTL, "refresh-ttl", 24*time.Hour, "`D`: how long refresh tokens live that nobody uses")
	c.Flags().DurationVar(&o.options.RefreshGrace, "refresh-grace", 0, "`D`: how long a refresh token is still taken after its use")
	c.Flags().DurationVar(&o.options.SignInTTL, "sign-in-ttl", 0, "`D`: when refresh tokens end, however much in use; 0 is never")
	_ = c.RegisterFlagCompletionFunc("fault", completeFaults)
	return c
}

func (o *op) run(ctx context.Context) error {
	o.catch()
	options := o.options
	options.Faults, options.Legacy = o.faults.values, o.legacy
	if o.requests {
		options.Log = func(line string) { fmt.Fprintln(o.Stderr, fault.Visible(line)) }
	}
	p, err := o.startOP(ctx, o.listen, o.plain, options)
	if err != nil {
		return err
	}
	defer p.stop()
	fmt.Fprintf(o.Stdout, "%s\n", p.issuer)
	o.say("The provider runs until Ctrl-C. In another terminal:\n\n")
	o.say("  rely login %s --client-id demo\n", p.issuer)
	o.say("  rely login %s --client-id demo --browser forms --username alice --password-file FILE\n", p.issuer)
	o.say("  rely tokens\n  rely userinfo\n\n")
	o.say("Users: alice (password %s) and bob (password %s).\n", demoAlice, demoBob)
	o.say("Clients: demo (public), web (secret web-secret-0123456789abcdef),\n         service (secret service-secret-0123456789abcdef; client credentials).\n")
	for _, name := range o.faults.values {
		o.say("It misbehaves: %s.\n", name)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.broken:
		return &fault.Error{Kind: fault.Internal, ID: "op.broken", Op: "run the provider", Err: err, Hint: "run it again"}
	}
}

// The embedded provider's users, as its sign-in page shows them.
const (
	demoAlice = "wonderland-1865"
	demoBob   = "builder-1999"
)

// A runningOP is the embedded provider behind a port.
type runningOP struct {
	*demoop.Server
	issuer string
	broken chan error
	http   *http.Server
}

// startOP puts the embedded provider on a loopback address, over https with
// the local authority's certificate, or over plain http.
func (i *invocation) startOP(ctx context.Context, address string, plain bool, options demoop.Options) (*runningOP, error) {
	i.together()
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, &fault.Error{Kind: fault.Usage, ID: "op.listen", Op: "start the provider", Err: fmt.Errorf("%q is no loopback address with a port", address),
			Hint: "use --listen 127.0.0.1:0; the embedded provider serves this machine only"}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "op.port-busy", Op: "start the provider", Err: err, Hint: "choose another port with --listen 127.0.0.1:0"}
	}
	p := &runningOP{issuer: "https://" + l.Addr().String(), broken: make(chan error, 1)}
	p.http = &http.Server{ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	if plain {
		p.issuer = "http://" + l.Addr().String()
	} else if l, err = i.overTLS(l, options.Faults); err != nil {
		return nil, err
	}
	options.Issuer, options.Now, options.Tick = p.issuer, i.Now, i.Tick
	options.Notify, options.Ping = i.notifiers()
	if p.Server, err = demoop.New(options); err != nil {
		_ = l.Close()
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.Usage && f.Hint == "" {
			f.Hint = "run \"rely demo --list\" to see the names"
		}
		return nil, err
	}
	p.http.Handler = p.Server
	go func() {
		if err := p.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.broken <- err
		}
	}()
	return p, nil
}

func (p *runningOP) stop() {
	p.Close()
	_ = p.http.Close()
}

// overTLS shows the local authority's certificate, or one that lives as long
// as this process where there is no folder to keep it in.
func (i *invocation) overTLS(l net.Listener, faults []string) (net.Listener, error) {
	authority, err := loopback.OpenAuthority(i.Dirs.AuthorityDir(), i.Now)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	cert, err := authority.Certificate()
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	c, err := stage.TLS(*cert, faults)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return tls.NewListener(l, c), nil
}
