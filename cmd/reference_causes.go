package cmd

import (
	"strings"

	"rely/internal/cause"
)

// causesPage is the table of known causes.
func causesPage() string {
	var rows [][]string
	for _, e := range cause.All() {
		var hints []string
		for _, h := range e.Hints() {
			hints = append(hints, h.Text)
		}
		rows = append(rows, []string{code(e.Name), e.Help, string(e.Where), strings.Join(hints, "; ")})
	}
	return table("Why a sign-in fails", "After a sign-in that failed, `rely` names the likely cause where it knows one, in up to three lines (`likely`, `change`, `there`) and as the member `cause` of the JSON error.",
		[]string{"cause", "what it is", "who has to change something", "at these providers"}, rows)
}
