package quirk

// backchannels lists lies of a sign-in on a device of the person's own. Each
// shows in that flow only.
func backchannels() []Fault {
	const rule = "CIBA 7.3"
	all := group("device", "login", 6,
		Fault{Name: "ciba-no-id", Help: "the answer has no auth_req_id", Rule: rule, Device: lacks("auth_req_id")},
		Fault{Name: "ciba-escape-id", Help: "the auth_req_id has escape sequences", Rule: rule, Device: metadata("auth_req_id", "a\x1b[2Jb")},
		Fault{Name: "ciba-no-expires-in", Help: "the answer does not say how long the request lives", Rule: rule, Device: lacks("expires_in")},
		Fault{Name: "ciba-long-interval", Help: "the interval is longer than the request lives", Rule: rule, Device: metadata("interval", 1000000)},
		Fault{Name: "ciba-other-request", Help: "the ID token says that it answers another request", Rule: "CIBA 10.3.1",
			IDToken: set("urn:openid:params:jwt:claim:auth_req_id", "another")},
	)
	for i := range all {
		all[i].Needs = "ciba"
	}
	return all
}
