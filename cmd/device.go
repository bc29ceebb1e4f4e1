package cmd

import (
	"fmt"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/useragent"
)

// announceDevice tells the person which page to open, on any machine, and the
// code that is typed or compared there (RFC 8628 3.3).
func (i *invocation) announceDevice(r *flows.Request, o useragent.Options, a flows.Announcement) {
	page, code := fault.Visible(a.Page), fault.Visible(a.UserCode)
	switch {
	case !r.Person:
		if i.verbose() > 0 {
			i.say("Signing in at %s.\n", page)
		}
		return
	case i.quiet():
		fmt.Fprintf(i.Stderr, "%s\n%s\n", page, code) // or nobody could go on
		return
	}
	around := useragent.Look(o)
	if r.Agent.Name() == "system" {
		i.say("Your browser opens. If it does not, open this page in any browser, on any machine:\n\n")
	} else {
		i.say("Open this page in any browser, on any machine:\n\n")
	}
	i.say("  %s\n\nand type this code there, or see that it shows the same one:\n\n  %s\n\n", page, code)
	if a.URL != a.Page {
		i.say("This address brings the code along:\n\n  %s\n\n", fault.Visible(a.URL))
	}
	if square := i.qr(a.URL, around); square != "" {
		i.say("%s\n", square)
	}
	i.say("Waiting until somebody has signed in there (up to %s).\n", r.Wait)
}
