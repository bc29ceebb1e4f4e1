package cmd

import (
	"strings"

	"rely/internal/idtoken/logouttoken"
	protocol "rely/internal/logout"
)

// logoutChecks is the part of the page of checks on what a provider tells at a
// sign-out.
func logoutChecks() string {
	var rows [][]string
	for _, r := range logouttoken.Rules() {
		rows = append(rows, []string{code(r.Name), r.Spec, r.Demand})
	}
	for _, r := range protocol.FrontRules() {
		rows = append(rows, []string{code(r.Name), r.Spec, r.Demand})
	}
	page := table("What a notice of logout has to be", "The ladders of `rely logout --wait-backchannel` and `--wait-frontchannel`, in order.", []string{"check", "section", "what it demands"}, rows)
	return strings.Replace(page, "# ", "## ", 1)
}
