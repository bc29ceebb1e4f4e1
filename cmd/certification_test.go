package cmd

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An instance is one module of a certification plan with one response type and
// one response mode, as the suite counts them.
type instance struct {
	module
	kind, mode string
}

// plan are the instances of the core plans: Basic, Implicit and Hybrid, and the
// same once more with form_post.
func plan() map[string][]instance {
	out := map[string][]instance{}
	for _, m := range modules() {
		for kind, letters := range map[string]string{
			"code": "B", "id_token": "I", "id_token token": "I IT", "code id_token": "H Hi", "code token": "H", "code id_token token": "H Hi Ht",
		} {
			if !slices.ContainsFunc(strings.Fields(letters), func(l string) bool { return slices.Contains(strings.Fields(m.plans), l) }) {
				continue
			}
			out[kind] = append(out[kind], instance{m, kind, ""}, instance{m, kind, "form_post"})
		}
	}
	return out
}

// TestCertification walks every instance of the core plans: the provider does
// what the suite's would, the client has to go through or to stop. "Stop" means
// that nothing more is asked of the provider.
func TestCertification(t *testing.T) {
	t.Parallel()
	want := map[string]int{"code": 14, "id_token": 12, "id_token token": 15, "code id_token": 16, "code token": 14, "code id_token token": 18}
	turns := make(chan bool, 8)
	var wait sync.WaitGroup
	for kind, all := range plan() {
		if len(all) != 2*want[kind] {
			t.Errorf("%s: got %d instances, want %d twice, as the suite has them", kind, len(all), want[kind])
		}
		for _, i := range all {
			wait.Go(func() {
				turns <- true
				defer func() { <-turns }()
				if trouble := i.walk(t); trouble != "" {
					t.Errorf("%s, %s %s: %s", i.name, i.kind, i.mode, trouble)
				}
			})
		}
	}
	wait.Wait()
}

// walk signs alice in once, and asks for her claims where a token opens them.
func (i instance) walk(t *testing.T) string {
	nonce := ""
	s, err := stands(t, i.lies, func(r *http.Request) {
		if r.URL.Path == "/authorize" {
			nonce = r.URL.Query().Get("nonce")
		}
	})
	if err != nil {
		return err.Error()
	}
	defer s.close()
	args := []string{"login", s.issuer, "-p", "c", "--redirect-uri", "http://127.0.0.1:0/cb", "--browser", "forms", "--username", "alice", "--password-file", s.file("pw", demoAlice),
		"--flow", flowOf(i.kind), "--response-type", i.kind, "--scope", "openid profile email phone address"}
	if i.mode != "" {
		args = append(args, "--response-mode", i.mode)
	}
	if i.secret {
		args = append(args, "--client-id", "web", "--client-secret-file", s.file("secret", "web-secret-0123456789abcdef"), "--client-auth", "client_secret_basic")
	} else {
		args = append(args, "--client-id", "demo")
	}
	if i.alg != "" {
		args = append(args, "--id-token-signed-response-alg", i.alg)
	}
	got, _, said := s.home(args...)
	asked := s.op.Stats()
	if i.later != "" && got == 0 { // the lie comes after the sign-in
		got, _, said = s.home(strings.Fields(i.later)...)
		asked = nil
	}
	front := slices.Contains(strings.Fields(i.kind), "id_token") // the lie was seen before the code could be sent
	switch stopped := asked["userinfo"] == 0 && (asked["token"] == 0 || !front); {
	case got != i.exit:
		return fmt.Sprintf("got exit code %d, want %d\n%s", got, i.exit, said)
	case got != 0 && !stopped:
		return fmt.Sprintf("got %v asked after the lie, want nothing", asked)
	case i.kind != "code" && nonce == "":
		return "got an authorization request without a nonce"
	case got != 0 || i.later != "":
		return ""
	}
	return i.claims(s)
}

// claims are those that the scopes ask for: in UserInfo, or in the ID token
// where that came alone (OIDC Core 5.4).
func (i instance) claims(s *stand) string {
	args := []string{"userinfo", "-p", "c", "-o", "json"}
	if i.kind == "id_token" {
		args = []string{"tokens", "-p", "c", "--id"}
	}
	code, text, said := s.home(args...)
	if code != 0 {
		return fmt.Sprintf("got exit code %d from rely %s\n%s", code, args[0], said)
	}
	if i.kind == "id_token" {
		text = string(claimsIn(text))
	}
	for _, name := range []string{"sub", "name", "email", "phone_number", "address"} {
		if !strings.Contains(text, `"`+name+`"`) {
			return fmt.Sprintf("got no claim %s: %s", name, text)
		}
	}
	return ""
}

// flowOf is the flow that a response type belongs to.
func flowOf(kind string) string {
	switch words := strings.Fields(kind); {
	case kind == "code":
		return "code"
	case slices.Contains(words, "code"):
		return "hybrid"
	}
	return "implicit"
}
