package front

import (
	"net/url"
	"testing"
)

// A redirect URI or state given twice must not slip through as a parameter.
func TestAcceptKnowsItsOwnState(t *testing.T) {
	t.Parallel()
	a := &attempt{state: "the-state"}
	for what, c := range map[string]struct {
		params url.Values
		ours   bool
	}{
		"the state":       {url.Values{"state": {"the-state"}}, true},
		"once of twice":   {url.Values{"state": {"x", "the-state"}}, true},
		"another":         {url.Values{"state": {"The-State"}}, false},
		"none":            {url.Values{"code": {"c"}}, false},
		"an empty one":    {url.Values{"state": {""}}, false},
		"a longer one":    {url.Values{"state": {"the-state "}}, false},
		"an error of his": {url.Values{"error": {"access_denied"}}, false},
	} {
		if err := a.accept(c.params); (err == nil) != c.ours {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
