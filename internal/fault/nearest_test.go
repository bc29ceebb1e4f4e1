package fault_test

import (
	"strings"
	"testing"

	"rely/internal/fault"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"code", "implicit", "hybrid", "device", "client-credentials", "client-id"}
	for sentence, c := range map[string]struct{ word, want string }{
		"two letters change places":         {"hybird", "hybrid"},
		"a letter is missing":               {"clientid", "client-id"},
		"as in another language":            {"clientId", "client-id"},
		"as in a file":                      {"client_credentials", "client-credentials"},
		"the nearest, not the first":        {"devise", "device"},
		"a long name may have more of them": {"clientcredental", "client-credentials"},
		"another word":                      {"teleport", ""},
		"no word":                           {"", ""},
		"one that is too long to be tried":  {strings.Repeat("hybrid", 20), ""},
	} {
		if got := fault.Nearest(c.word, names); got != c.want {
			t.Errorf("%s: Nearest(%q): got %q, want %q", sentence, c.word, got, c.want)
		}
	}
}
