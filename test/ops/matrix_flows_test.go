package ops

import (
	"encoding/json"
	"slices"
	"strings"

	"rely/internal/flows"
)

// flows runs every flow with a client that proves itself by the method, one
// after the other: what a sign-in brought is what others redeem.
func (p *place) flows(m *matrix, method string) {
	h := newHome(m.t)
	granted := grants()
	made := func(h *home, id string, grants []string) (c client) {
		p.alone(func() { c = p.client(h, wish{id: id, method: method, grants: grants}) })
		return c
	}
	all := made(h, method, granted)
	if all.no != nil {
		// RFC 6749 4.4 has client credentials for those who can prove themselves.
		granted = slices.DeleteFunc(granted, func(grant string) bool { return grant == "client_credentials" })
		all = made(h, method, granted)
	}
	brought := tokens{}
	for _, r := range rows() {
		c, at := all, h
		if !slices.Contains(granted, r.flow.Grant) {
			at = newHome(m.t)
			c = made(at, method+"-"+r.flow.Name, []string{r.flow.Grant})
		}
		done := c.no
		if done == nil {
			p.alone(func() {
				ran := p.run(at, c, r, method, &brought)
				done = &ran
			})
		}
		m.note(cell{p.name, r.name(), method}, p, *done)
	}
}

// tokens are what the code flow brought, for the flows that redeem something;
// words that nobody issued where it brought nothing.
type tokens struct{ access, refresh string }

// run is one combination: a sign-in, and what came of it is used.
func (p *place) run(h *home, c client, r row, method string, brought *tokens) result {
	profile := strings.ReplaceAll(r.name(), " ", "-")
	args := append(slices.Clone(c.flags), "-p", profile, "--flow", r.flow.Name, "--login-timeout", "1m", "-o", "json")
	if r.kind != "" {
		args = append(args, "--response-type", r.kind)
	}
	if r.flow.Person {
		args = append(args, p.person(h)...)
	}
	args = append(args, p.inputs(h, r.flow, *brought)...)
	var done result
	if r.flow.Elsewhere {
		done = p.asks(h, args, method)
	} else {
		done = h.try(args...)
	}
	if done.code != 0 {
		return done
	}
	var who struct{ Result struct{ Sub string } }
	if err := json.Unmarshal([]byte(done.stdout), &who); err != nil {
		h.t.Errorf("rely %s: got %q, want JSON: %v", strings.Join(args, " "), done.stdout, err)
	}
	return used(h, profile, r, brought, who.Result.Sub != "")
}

// asks runs a flow in which the person is asked elsewhere, and has them agree.
func (p *place) asks(h *home, args []string, message string) result {
	message = strings.ReplaceAll(strings.ReplaceAll(message, "_", "-"), " ", "-")
	message = message[:min(len(message), 20)] // all that oidc-provider takes
	args = append(args, "--binding-message", message)
	if p.decide == nil {
		return h.try(args...)
	}
	return h.asking(func() error { return p.decide(message) }, args...)
}

// inputs are what a flow cannot do without. A flow that is not here needs nothing.
func (p *place) inputs(h *home, f flows.Entry, brought tokens) []string {
	given := func(name, text string) string {
		if text == "" {
			text = "nobody-has-issued-this-one"
		}
		return h.file(name, text)
	}
	switch f.Name {
	case "code":
		return []string{"--scope", "openid email offline_access", "--prompt", "consent"}
	case "client-credentials":
		return []string{"--scope", "api:read"}
	case "refresh":
		return []string{"--refresh-token-file", given("refresh", brought.refresh)}
	case "token-exchange":
		return []string{"--scope", "openid", "--subject-token-file", given("subject", brought.access)}
	case "jwt-bearer":
		return []string{"--scope", "openid", "--claim", "sub=alice"}
	case "ciba":
		return []string{"--scope", "openid", "--login-hint", p.hint}
	case "password":
		return []string{"--scope", "openid", "--username", "alice", "--password-file", h.file("password", p.password)}
	}
	return []string{"--scope", "openid email"}
}

// used wants a token that can be printed, and that opens UserInfo where an ID
// token says who signed in.
func used(h *home, profile string, r row, brought *tokens, known bool) result {
	if r.kind == "id_token" {
		return h.try("tokens", "-p", profile, "--id", "-o", "json")
	}
	got := h.try("tokens", "-p", profile)
	if got.code != 0 || got.stdout == "" {
		return got
	}
	access := h.secret(strings.TrimSpace(got.stdout))
	if r.flow.Name == "code" {
		brought.access = access
		if more := h.try("tokens", "-p", profile, "--refresh"); more.code == 0 {
			brought.refresh = h.secret(strings.TrimSpace(more.stdout))
		}
	}
	if !known {
		return got
	}
	return h.try("userinfo", "-p", profile, "-o", "json")
}
