package quirk

// exchanges lists lies and liberties of a token exchange; the sign-in before
// it is good.
func exchanges() []Fault {
	const rule = "RFC 8693 2.2.1"
	all := append(group("token", "tokens", 6,
		Fault{Name: "exchange-no-issued-type", Help: "an exchange does not say what it issued", Rule: rule, Traded: lacks("issued_token_type")},
		Fault{Name: "exchange-other-type", Help: "an exchange issues another type than was asked for", Rule: rule,
			Traded: metadata("issued_token_type", "urn:ietf:params:oauth:token-type:saml2")},
		Fault{Name: "exchange-no-access-token", Help: "an exchange issues nothing", Rule: rule, Traded: lacks("access_token")},
		Fault{Name: "exchange-type-mac", Help: "an exchange issues a token for use in a way that nobody asked for", Rule: "RFC 6749 7.1", Traded: metadata("token_type", "mac")},
	), group("good", "tokens", 0,
		Fault{Name: "good-exchange-n-a", Help: "an exchange issues a token that is not for use as it is", Traded: metadata("token_type", "N_A")},
	)...)
	for i := range all {
		all[i].Needs = "token-exchange"
	}
	return all
}
