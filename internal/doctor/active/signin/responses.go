package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/idtoken"
	"rely/internal/registration"
	"rely/internal/secret"
)

// responses are about the ways in which an answer comes.
func responses() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L37", Name: "responses-offered", Title: "each response type and mode that is listed brings what it should, in the right part, and no more", Stage: "login", Severity: check.Warning, Section: "OAuth 2.0 Multiple Response Types 2.1, 3, 5; OIDC Core 3.2.2.5, 3.3.2.5; JARM 2.3",
			Why: "A client picks from the lists of the metadata, and waits for an answer that never comes, or looks for it in the wrong place.", Fix: "answer as the response type says, or take it out of response_types_supported or response_modes_supported",
			Unknown: "L14 has code without a mode, L13 form_post, L35 both ID tokens of the hybrid flow. Of a response JWT it reads what it says, not the signature, and none that is encrypted; modes of other specifications it leaves out."}, Robot: true, Login: true, Given: true, Run: responseTypes},
	}
}

// A way is a response type and a response mode; an empty mode is the type's own.
type way struct{ kind, mode string }

// has reports whether the response type has a word.
func (w way) has(word string) bool { return slices.Contains(strings.Fields(w.kind), word) }

// part is where the answer is to come, and whether as a JWT.
func (w way) part() (name string, jwt bool) {
	name, jwt = strings.CutSuffix(w.mode, ".jwt")
	switch {
	case w.mode == "jwt":
		name, jwt = "", true
	case name == "form_post":
		name = "form"
	}
	if name == "" {
		name = "query"
		if w.has("token") || w.has("id_token") {
			name = "fragment"
		}
	}
	return name, jwt
}

// where is what a finding names.
func (w way) where() string {
	if w.mode != "" {
		return "response_mode=" + w.mode
	}
	return "response_type=" + w.kind
}

// members are what the answer has to have.
func (w way) members() []string {
	out := []string{"state"}
	for _, m := range []struct{ word, name string }{{"code", "code"}, {"token", "access_token"}, {"token", "token_type"}, {"id_token", "id_token"}} {
		if w.has(m.word) {
			out = append(out, m.name)
		}
	}
	return out
}

func responseTypes(ctx context.Context, p *trial.Patient) error {
	types, _ := p.Evidence.List("response_types_supported")
	modes, _ := p.Evidence.List("response_modes_supported")
	var ways []way
	for _, mode := range []string{"query", "fragment", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
		if slices.Contains(modes, mode) {
			ways = append(ways, way{"code", mode})
		}
	}
	var front []string
	for _, kind := range types {
		if words := strings.Fields(kind); kind != "code" && len(words) > 0 && len(front) < 8 && !slices.ContainsFunc(words, func(s string) bool {
			return !slices.Contains([]string{"code", "token", "id_token", "none"}, s)
		}) {
			front = append(front, kind)
		}
	}
	if len(ways)+len(front) == 0 {
		p.Skip("the provider lists neither a response type besides code nor a response mode, which L14 and L13 leave over")
		return nil
	}
	unseen := walkWays(ctx, p, p.Client, ways)
	if len(front) > 0 {
		c, err := p.Another(ctx, "responses", map[string]any{"response_types": append([]string{"code"}, front...), "grant_types": []string{"authorization_code", "implicit"}})
		if err != nil {
			unseen = append(unseen, fmt.Sprintf("response_type=%s and the like: %v", front[0], err))
		} else {
			ways = nil
			for _, kind := range front {
				ways = append(ways, way{kind: kind})
			}
			unseen = append(unseen, walkWays(ctx, p, c, ways)...)
		}
	}
	if len(unseen) > 0 {
		p.Skip("nothing was found, and this could not be seen: %s", strings.Join(unseen, "; "))
	}
	return ctx.Err()
}

// walkWays takes each way, and says which came to no answer.
func walkWays(ctx context.Context, p *trial.Patient, c *registration.Client, ways []way) (unseen []string) {
	for _, w := range ways {
		g, err := p.Arrive(ctx, c, func(q url.Values) {
			q.Set("response_type", w.kind)
			if w.mode != "" {
				q.Set("response_mode", w.mode)
			}
			if !w.has("code") {
				q.Del("code_challenge")
				q.Del("code_challenge_method")
			}
		})
		why := ""
		switch {
		case err != nil:
			why = err.Error()
		case p.Dry == nil && len(g.Response) == 0: // a browser may keep the fragment to itself
			why = "what came to the redirect URI had nothing that could be read"
		case p.Dry == nil:
			why = judgeWay(ctx, p, w, g)
		}
		if why != "" {
			unseen = append(unseen, w.where()+": "+why)
		}
	}
	return unseen
}

// judgeWay looks at what came, and says why it cannot.
func judgeWay(ctx context.Context, p *trial.Patient, w way, g *trial.Grant) (why string) {
	name, jwt := w.part()
	parts := map[string]url.Values{"query": g.Came.Query, "fragment": g.Came.Fragment, "form": g.Came.Form}
	for _, other := range slices.Sorted(maps.Keys(parts)) {
		for _, kind := range append(tokenNames(), "code", "response") {
			if other != name && parts[other].Has(kind) {
				p.FoundAs(severityIn(other, kind), w.where(), kind+" is in the "+other, "in the "+name)
				return ""
			}
		}
	}
	came := parts[name]
	if jwt {
		if no := g.Response.Get("error"); no != "" {
			p.Found(w.where(), "refused: "+strings.TrimSuffix(no+" ("+g.Response.Get("error_description")+")", " ()"), "a response JWT in the "+name)
			return ""
		}
		said := trial.Claims(came.Get("response"))
		if said.All == nil && strings.Count(came.Get("response"), ".") == 4 {
			return "the response JWT is encrypted"
		}
		if said.All == nil {
			p.Found(w.where(), "no response JWT in the "+name, "one, and nothing beside it")
			return ""
		}
		if said.Iss != p.Evidence.Issuer || said.Exp == 0 || said.Aud == nil {
			p.Found(w.where(), fmt.Sprintf("a response JWT with iss %q, aud %v and exp %.0f", said.Iss, said.Aud, said.Exp), "iss, aud and exp, with the issuer "+p.Evidence.Issuer)
		}
		came = texts(said.All)
	}
	members(ctx, p, w, g, came)
	return ""
}

// severityIn is how grave it is that something is elsewhere: tokens in a query
// end in logs.
func severityIn(part, name string) check.Severity {
	if part == "query" && name != "code" && name != "response" {
		return check.Error
	}
	return check.Warning
}

// texts are the claims that are texts.
func texts(all map[string]json.RawMessage) url.Values {
	out := url.Values{}
	for name, raw := range all {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out.Set(name, s)
		}
	}
	return out
}

// members compares what came with what the response type names.
func members(ctx context.Context, p *trial.Patient, w way, g *trial.Grant, came url.Values) {
	if no := came.Get("error"); no != "" {
		p.Found(w.where(), "refused: "+strings.TrimSuffix(no+" ("+came.Get("error_description")+")", " ()"), strings.Join(w.members(), ", "))
		return
	}
	for _, name := range w.members() {
		if came.Get(name) == "" {
			p.Found(w.where(), "no "+name, strings.Join(w.members(), ", "))
		}
	}
	for _, name := range append(tokenNames(), "code") {
		if came.Has(name) && !slices.Contains(w.members(), name) {
			p.Found(w.where(), name+" is there, and was not asked for", strings.Join(w.members(), ", "))
		}
	}
	if state := came.Get("state"); state != "" && state != g.State {
		p.Found(w.where(), "the state is "+altered(state, g.State), "state as it was sent")
	}
	if came.Get("id_token") == "" || w.has("code") && w.has("id_token") && !w.has("token") {
		return // the latter is L35's
	}
	front := *g
	front.IDToken, front.Access = came.Get("id_token"), came.Get("access_token")
	_, rungs := p.Ladder(ctx, g.Client, &front, func(e *idtoken.Expected) { e.FrontChannel, e.Code = true, secret.New(came.Get("code")) })
	p.Broken(rungs)
}
