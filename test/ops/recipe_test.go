package ops

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
)

// The recipe that ships for oidc-provider walks its second factor, which the
// defaults leave empty, and a draft that was recorded walks the same pages.
func TestRecipes(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	const silver = "urn:mace:incommon:iap:silver"
	acr := func() string {
		t.Helper()
		parts := strings.Split(h.secret(h.line("tokens", "--id")), ".")
		if len(parts) != 3 {
			t.Fatalf("got %d parts of an ID token, want 3", len(parts))
		}
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		return string(claims)
	}
	shipped, err := filepath.Abs("../../docs/recipes/oidc-provider.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.silent(public(h, p, "--param", "acr_values="+silver, "--recipe", shipped)...)
	if got := acr(); !strings.Contains(got, silver) {
		t.Errorf("got %s, want %s in it", got, silver)
	}
	draft := filepath.Join(t.TempDir(), "draft.yaml")
	h.silent(public(h, p, "--record-recipe", draft, "--quiet")...)
	h.silent(public(h, p, "--recipe", draft)...)
	if got := acr(); strings.Contains(got, silver) {
		t.Errorf("got %s, want no %s: nothing typed the code", got, silver)
	}
}
