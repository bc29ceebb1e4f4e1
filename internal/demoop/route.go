package demoop

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"rely/internal/demoop/binding"
	"rely/internal/demoop/discovery"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/webfinger"
)

// routes is the map of the house.
func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	base := strings.TrimSuffix(s.issuer.Path, "/")
	on := func(methods, path string, e quirk.Endpoint, h func(*http.Request) reply.Reply) {
		for method := range strings.FieldsSeq(methods) {
			m.Handle(method+" "+path, s.at(e, strings.TrimPrefix(path, base), h))
			if slices.Contains(slices.Collect(maps.Values(binding.Aliases())), strings.TrimPrefix(path, base)) {
				m.Handle(method+" "+base+"/mtls"+strings.TrimPrefix(path, base), s.at(e, strings.TrimPrefix(path, base), h))
			}
		}
	}
	on("GET", base+"/.well-known/openid-configuration", quirk.Discovery, s.discovery)
	on("GET", "/.well-known/oauth-authorization-server"+base, quirk.Discovery, s.discovery)
	on("GET", "/.well-known/webfinger", quirk.WebFinger, func(r *http.Request) reply.Reply { return webfinger.Answer(s.o.Issuer, r.URL.Query()) })
	on("GET", base+"/jwks", quirk.JWKS, s.jwks)
	on("GET POST", base+"/authorize", quirk.Authorize, s.authorize)
	on("GET POST", base+"/par", quirk.Push, posted(s.push))
	on("POST", base+"/login", "login", s.login)
	on("GET", base+"/continue", "continue", s.goOn)
	on("POST", base+"/consent", "consent", s.consent)
	on("POST", base+"/device_authorization", quirk.Devices, s.deviceAuthorization)
	on("POST", base+"/backchannel", quirk.Elsewhere, s.backchannel)
	on("GET POST", base+"/device", "device", s.device)
	on("GET POST", base+"/token", quirk.Tokens, posted(s.token))
	on("GET POST", base+"/userinfo", quirk.UserInfo, s.userinfo)
	on("GET", base+"/bureau/.well-known/openid-configuration", "bureau discovery", s.bureau.Discovery)
	on("GET", base+"/bureau/jwks", "bureau keys", s.bureau.JWKS)
	on("GET", base+"/bureau/claims", quirk.Bureau, s.bureau.Claims)
	on("POST", base+"/introspect", "introspect", s.introspect)
	on("POST", base+"/revoke", quirk.Revoke, s.revoke)
	on("GET POST", base+"/logout", "logout", s.logout)
	on("POST", base+"/logout/confirm", "logout confirm", s.logoutConfirm)
	on("POST", base+"/register", "register", s.clients.Register)
	on("GET PUT DELETE", base+"/register/{id}", "registration", s.clients.Manage)
	on("PUT", base+"/v1/environments/demo/users/{sub}/password", "password", s.changePassword)
	on("GET", base+"/v1/environments/demo/passwordPolicies", "password policies", s.passwordPolicies)
	on("GET", base+"/{$}", "home", s.home)
	return m
}

// posted refuses whatever is no POST, in the words of the protocol.
func posted(h func(*http.Request) reply.Reply) func(*http.Request) reply.Reply {
	return func(r *http.Request) reply.Reply {
		if r.Method != http.MethodPost {
			return reply.With("Allow", http.MethodPost, reply.Refuse(http.StatusMethodNotAllowed, "invalid_request", "this endpoint takes POST"))
		}
		return h(r)
	}
}

// at wraps a handler: the body is read up to its limit, the request counted,
// the fault that has taken the endpoint over asked, and the handler run alone.
// Whatever waits for the network does so outside the lock.
func (s *Server) at(e quirk.Endpoint, path string, h func(*http.Request) reply.Reply) http.Handler {
	good := s.bindings.Around(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answer := h(r)
		s.mu.Unlock()
		answer(w)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			reply.Refuse(http.StatusRequestEntityTooLarge, "invalid_request", errTooLarge.Error())(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseForm(); err != nil {
			reply.Refuse(http.StatusBadRequest, "invalid_request", "the parameters cannot be read")(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		n := s.count(e, r)
		for _, f := range s.faults {
			if f.On == e && f.Serve != nil {
				f.Serve(&quirk.Exchange{W: w, R: r, Count: n, Good: good, Stop: s.stop, Tick: s.o.Tick,
					Reach: func(uri string) { s.o.Notify(uri, nil) }})
				return
			}
		}
		good.ServeHTTP(w, r)
	})
}

func (s *Server) count(e quirk.Endpoint, r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[string(e)]++
	if e == quirk.Tokens {
		if g := r.PostForm.Get("grant_type"); slices.Contains(discovery.GrantTypes(), g) {
			s.counts["token "+g]++
		}
	}
	return s.counts[string(e)]
}

// repeated gives the name of a parameter that is there twice, which no OAuth
// request may have (RFC 6749 3.1, 3.2) but for what a token is to be good for
// (RFC 8693 2.1, RFC 8707 2).
func repeated(values map[string][]string) string {
	for n, v := range values {
		if len(v) > 1 && n != "audience" && n != "resource" {
			return n
		}
	}
	return ""
}
