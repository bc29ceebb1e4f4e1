package quirk

import "rely/internal/demoop/binding"

// dpops lists lies to a client that has its tokens bound to a key.
func dpops() []Fault {
	const downgrade, server, resource = "RFC 9449 5", "RFC 9449 8", "RFC 9449 9"
	lies := group("dpop", "login", 6,
		Fault{Name: "dpop-downgrade", Help: "a proof was sent, and the token is not bound to its key", Rule: downgrade, Bind: func(r *binding.Rules) { r.Bearer = true }},
		Fault{Name: "dpop-type-mac", Help: "a proof was sent, and the token is of another type", Rule: "RFC 6749 7.1", Bind: func(r *binding.Rules) { r.Type = "mac" }},
		Fault{Name: "dpop-nonce-never-right", Help: "every proof is refused for want of the newest nonce", Rule: server, Bind: func(r *binding.Rules) { r.Always = true }},
		Fault{Name: "dpop-nonce-nameless", Help: "a nonce is asked for, and none is given", Rule: server, Bind: func(r *binding.Rules) { r.Nameless = true }},
		Fault{Name: "dpop-not-asked", Help: "no proof was sent, and the token is said to be bound", Rule: "RFC 6749 7.1", Needs: "nothing", Bind: func(r *binding.Rules) { r.Unasked = true }},
		Fault{Name: "userinfo-dpop-nonce-never-right", Help: "UserInfo refuses every proof for want of the newest nonce", Rule: resource, At: "userinfo", On: UserInfo,
			Serve: func(x *Exchange) {
				x.W.Header().Set("DPoP-Nonce", "another")
				x.W.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
				x.W.WriteHeader(401)
			}},
	)
	lies = append(lies, group("good", "login", 0,
		Fault{Name: "good-dpop-nonce", Help: "proofs need a nonce, at the token endpoint and at UserInfo", Bind: func(r *binding.Rules) { r.Nonce = true }},
		Fault{Name: "good-dpop-nonce-turns", Help: "every answer brings the next nonce", Bind: func(r *binding.Rules) { r.Nonce, r.Turning = true, true }},
		Fault{Name: "good-dpop-type-case", Help: "token_type is dPoP", Bind: func(r *binding.Rules) { r.Type = "dPoP" }},
	)...)
	for n := range lies {
		if lies[n].Needs == "" {
			lies[n].Needs = "dpop"
		} else {
			lies[n].Needs = ""
		}
	}
	return lies
}
