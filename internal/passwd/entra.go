package passwd

import (
	"net/http"
	"strings"

	"rely/internal/wire"
)

// entra is Microsoft Graph's changePassword, for work and school accounts.
func entra() Entry {
	c := call{
		method: http.MethodPost, base: func(*Account) string { return "https://graph.microsoft.com/v1.0" }, path: "/me/changePassword",
		contentType: "application/json", body: pair("currentPassword", "newPassword"), refused: graphRefused,
		spec: "Microsoft Graph v1.0, user: changePassword",
	}
	return Entry{
		Name: "entra", Help: "Microsoft Entra ID: Graph's changePassword, for work and school accounts", Family: Bearer, Proof: recorded,
		Scopes: []string{"https://graph.microsoft.com/User-PasswordProfile.ReadWrite.All"}, After: untold,
		Fits: atHost("login.microsoftonline.com", "login.microsoftonline.us", "sts.windows.net"), Change: c.change,
	}
}

// graphRefused reads Graph's error object.
func graphRefused(answer *wire.Answer) refusal {
	e := within(members(answer), "error")
	r := refusal{code: text(e, "code"), words: text(e, "message")}
	all := strings.ToLower(r.code + " " + r.words)
	switch {
	case strings.Contains(all, "authorization"):
		r.what = scope
	case strings.Contains(all, "current") || strings.Contains(all, "old password") || strings.Contains(all, "incorrect"):
		r.what = wrongOld
	case strings.Contains(all, "complexity") || strings.Contains(all, "policy") || strings.Contains(all, "banned"):
		r.what = policy
	}
	return r
}
