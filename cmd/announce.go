package cmd

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/useragent"
	"rely/internal/useragent/qrcode"
)

// announce tells the person where to sign in, and what went wrong on the way
// there.
func (i *invocation) announce(r *flows.Request, o useragent.Options, a flows.Announcement) {
	switch {
	case a.Ignored != nil:
		i.say("rely: that is not the answer: %s. Paste the whole address, or sign in in the browser.\n", fault.VisibleUpTo(i.redact.Text(a.Ignored.Error()), 300))
		return
	case a.Trouble != nil:
		i.say("rely: note: %s\n", fault.VisibleUpTo(a.Trouble.Error(), 300))
		where := "this machine"
		if a.UserCode != "" {
			where = "any machine"
		}
		i.say("Open the address above in any browser on %s.\n", where)
		return
	case a.UserCode != "":
		i.announceDevice(r, o, a)
		return
	}
	if !r.Person {
		if i.verbose() > 0 {
			i.say("Signing in at %s.\n", fault.Visible(i.redact.Address(a.URL)))
		}
		return
	}
	if i.quiet() {
		fmt.Fprintf(i.Stderr, "%s\n", fault.Visible(a.URL)) // or nobody could go on
		return
	}
	around := useragent.Look(o)
	if r.Agent.Name() == "system" {
		i.say("Your browser opens. If it does not, open this address:\n\n  %s\n\n", fault.Visible(a.URL))
	} else {
		if around.Why != "" {
			i.say("No browser is opened: %s. ", around.Why)
		}
		i.say("Open this address in a browser:\n\n  %s\n\n", fault.Visible(a.URL))
	}
	if code := i.qr(a.URL, around); code != "" {
		i.say("%s\n", code)
	}
	if around.SSH {
		i.say("The browser is on another machine? Forward the port first:\n\n  %s\n\n", forward(a.RedirectURI, i.Env))
	}
	if (around.SSH || around.Why != "") && r.Provider.Metadata.DeviceEndpoint != "" {
		i.say("Or sign in by a code, with a browser anywhere: give --flow device.\n\n")
	}
	if i.warnsOfCertificate(a.RedirectURI) {
		i.say("At the end the browser will warn of this machine's own certificate for\n%s: that page is rely's.\n", fault.Visible(a.RedirectURI))
		i.say("\"rely trust install\" ends that; so does --redirect-uri http://127.0.0.1:0/callback\nwhere the provider takes it (RFC 8252 7.3).\n\n")
	}
	switch {
	case r.Paste != nil && a.ByCode:
		i.say("Waiting. You may also paste here the address that the browser ended on, or the\ncode in it alone:\n")
	case r.Paste != nil && a.ByAddress:
		i.say("Waiting. You may also paste here the whole address that the browser ended on:\n")
	default: // a posted form stands in no address
		i.say("Waiting for the answer at %s (up to %s).\n", fault.Visible(a.RedirectURI), r.Wait)
	}
}

// qr is the address as a QR code: where it was asked for, or where the browser
// is likely on another machine and the terminal is wide enough.
func (i *invocation) qr(address string, around useragent.Surroundings) string {
	columns := 0
	if i.Columns != nil {
		columns = i.Columns()
	}
	asked := i.values.Bool("qr")
	elsewhere := around.SSH || around.WSL || around.Container || !around.Display
	if !asked && (!elsewhere || !i.Interactive || columns == 0) {
		return ""
	}
	style := qrcode.ASCII
	switch {
	case !i.unicode():
	case columns > 0:
		style = qrcode.Colour
	default:
		style = qrcode.Blocks
	}
	code := qrcode.Draw(address, style, columns)
	if code == "" && asked {
		i.say("rely: note: the terminal is too narrow for a QR code of the address (%d columns)\n", columns)
	}
	return code
}

// unicode reports whether the locale's characters are UTF-8.
func (i *invocation) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := i.Env(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// warnsOfCertificate reports whether a browser that was told nothing will not
// know the listener's certificate.
func (i *invocation) warnsOfCertificate(redirectURI string) bool {
	return strings.HasPrefix(redirectURI, "https://") && i.values.String("tls_cert") == "" && !i.installed()
}

// forward is the command, for the machine with the browser, that makes the
// listener's port one of that machine. SSH_CONNECTION names both ends: client
// address and port, server address and port.
func forward(redirectURI string, env func(string) string) string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return ""
	}
	to := "127.0.0.1"
	if u.Hostname() == "::1" {
		to = "[::1]"
	}
	host, port := "HOST", ""
	if ends := strings.Fields(env("SSH_CONNECTION")); len(ends) == 4 {
		if server, err := netip.ParseAddr(ends[2]); err == nil && server.Zone() == "" {
			host = server.String()
			if user := env("USER"); plainName(user) {
				host = user + "@" + host
			}
			if _, err := netip.ParseAddrPort("127.0.0.1:" + ends[3]); err == nil && ends[3] != "22" {
				port = "-p " + ends[3] + " "
			}
		}
	}
	return fmt.Sprintf("ssh %s-L %s:%s:%s %s", port, u.Port(), to, u.Port(), host)
}

// plainName reports whether a user name needs no quotes in any shell.
func plainName(name string) bool {
	return name != "" && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
}
