package preset

func gitlab() Preset {
	return Preset{
		Name: "gitlab", Help: "GitLab, gitlab.com or your own",
		Params: []Param{
			{Name: "base-url", Help: "address of the server", Default: "https://gitlab.com", Kind: Base},
		},
		Facts: []Fact{
			{"The metadata is at the server's URL; the application needs the scope openid in its settings.", "https://docs.gitlab.com/integration/openid_connect_provider"},
			{"gitlab.com's issuer is https://gitlab.com. A slash at its end was proposed for other servers (that none is there is not confirmed).", "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/139027"},
		},
		Apply: func(v Values) (Settings, error) { return issuer(v["base-url"]), nil },
	}
}
