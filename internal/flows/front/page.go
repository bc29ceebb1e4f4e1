package front

import (
	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/loopback"
)

// pageFor words the page that the person sees at the end.
func pageFor(t *request.Tokens, ladder []idtoken.Rung, err error) loopback.Page {
	p := loopback.Page{OK: err == nil, Title: "Signed in", Text: "Signed in. The terminal has what it needs."}
	if err == nil && t.Claims != nil {
		p.Text = "Signed in as " + request.DisplayName(t.Claims) + ". The terminal has what it needs."
	}
	if err != nil {
		p.Title, p.Text = "Not signed in", "It was stopped here: "+sentence(err)+".\nThe terminal says what to do next."
	}
	for _, failed := range []bool{true, false} { // what failed is seen without scrolling
		for _, rung := range ladder {
			if (rung.Status == idtoken.Failed) == failed {
				p.Details = append(p.Details, rung.Name+": "+string(rung.Status)+" ("+rung.Spec+")")
			}
		}
	}
	return p
}

func sentence(err error) string {
	return fault.VisibleUpTo(err.Error(), 500)
}
