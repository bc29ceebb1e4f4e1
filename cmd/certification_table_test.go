package cmd

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rely/internal/demoop"
)

// A module is one of the OpenID Foundation's conformance tests for relying
// parties, and what shows here that it holds.
type module struct {
	name  string // without "oidcc-client-test", "fapi..-client-test"
	plans string // B basic, I and IT implicit, H hybrid (Hi with an ID token in front, Ht with both), C config, D dynamic, R refresh, L logout, F FAPI; x in none
	must  string // what the client has to do
	exit  int    // how it ends where [TestCertification] walks it
	lies  []string
	shown []string // "fault NAME", "script NAME: WORDS", "test FOLDER: NAME"
	why   string   // where nothing shows it: why rely has no use for it

	alg    string // of ID tokens, as registered
	secret bool   // a confidential client
	later  string // the command that meets the lie
}

// modules is the table of the OpenID Connect modules, in the order of the
// suite's list.
func modules() []module {
	const front = "B I H"
	return []module{
		{name: "(base)", plans: front, must: "go through", shown: []string{"script login: a person signs in", "test test/ops: TestFrontChannel"}},
		{name: "invalid-iss", plans: front, must: "stop", exit: 6, lies: []string{"wrong-iss"}},
		{name: "missing-sub", plans: front, must: "stop", exit: 6, lies: []string{"missing-sub"}},
		{name: "invalid-aud", plans: front, must: "stop", exit: 6, lies: []string{"wrong-aud"}},
		{name: "missing-aud", plans: "x", must: "stop", shown: []string{"fault missing-aud"}},
		{name: "missing-iat", plans: front, must: "stop", exit: 6, lies: []string{"missing-iat"}},
		{name: "kid-absent-single-jwks", plans: front, must: "accept", lies: []string{"good-no-kid-one-key"}},
		{name: "kid-absent-multiple-jwks", plans: front, must: "accept or stop; rely stops", exit: 6, lies: []string{"missing-kid-many-keys"}},
		{name: "idtoken-sig-rs256", plans: front, must: "accept", lies: []string{"good-rs256"}, alg: "RS256"},
		{name: "idtoken-sig-none", plans: "B C D", must: "stop; no algorithm is never accepted", exit: 6, lies: []string{"alg-none"}, shown: []string{"fault alg-none-respelt"}},
		{name: "invalid-sig-rs256", plans: front, must: "stop, in the code flow too", exit: 6, lies: []string{"good-rs256", "bad-signature"}, alg: "RS256", shown: []string{"fault sig-other-key"}},
		{name: "invalid-sig-es256", plans: "x", must: "stop", shown: []string{"fault bad-signature", "fault front-bad-signature"}},
		{name: "invalid-sig-hs256", plans: "x", must: "stop", shown: []string{"fault hs256-empty-secret", "fault hs256-public-key", "test internal/jose: TestHMACUsesTheClientSecretOnly"}},
		{name: "nonce-unless-code-flow", plans: "I H", must: "send a nonce"},
		{name: "nonce-invalid", plans: front, must: "stop", exit: 6, lies: []string{"wrong-nonce"}},
		{name: "invalid-athash", plans: "IT Ht", must: "stop", exit: 6, lies: []string{"front-bad-at-hash"}, shown: []string{"fault bad-at-hash"}},
		{name: "missing-athash", plans: "IT Ht", must: "stop", exit: 6, lies: []string{"front-missing-at-hash"}},
		{name: "invalid-chash", plans: "Hi", must: "stop, and not send the code", exit: 6, lies: []string{"front-bad-c-hash"}},
		{name: "missing-chash", plans: "Hi", must: "stop, and not send the code", exit: 6, lies: []string{"front-missing-c-hash"}},
		{name: "userinfo-invalid-sub", plans: "B IT H", must: "refuse the answer", exit: 6, lies: []string{"userinfo-wrong-sub"}, later: "userinfo -p c"},
		{name: "userinfo-bearer-header", plans: "x", must: "send the token in the header", shown: []string{"script userinfo: claims for a person", "fault token-in-query"}},
		{name: "userinfo-bearer-body", plans: "x", must: "send the token in a form", why: "RFC 6750 2.2 is for clients that cannot set a header; a token in a body ends in more logs, and OAuth 2.1 leaves it out"},
		{name: "scope-userinfo-claims", plans: front, must: "ask by scope; claims from UserInfo, or from the ID token where that comes alone", shown: []string{"script flow-implicit: an ID token alone"}},
		{name: "client-secret-basic", plans: "B H", must: "prove itself", secret: true},
		{name: "form-post-error", plans: "x", must: "take the posted error and show it", shown: []string{"script response-mode: an error is the provider's own, in a posted form as well"}},
		{name: "discovery-openid-config", plans: "C D", must: "use the configuration under the issuer's path", shown: []string{"script discover: an issuer with a path"}},
		{name: "discovery-jwks-uri-keys", plans: "C D", must: "fetch the keys from where the configuration says", shown: []string{"script discover: an issuer with a path"}},
		{name: "discovery-issuer-mismatch", plans: "C D", must: "stop before the authorization request", shown: []string{"fault discovery-wrong-issuer", "fault discovery-issuer-slash"}},
		{name: "signing-key-rotation", plans: "C D", must: "fetch the keys again", shown: []string{"script cache: keys are turned just before signing"}},
		{name: "signing-key-rotation-just-before-signing", plans: "C D", must: "fetch the keys again", shown: []string{"fault good-rotated-key", "script cache: keys are turned just before signing"}},
		{name: "discovery-webfinger-acct", plans: "D", must: "find the issuer", shown: []string{"script discover: an address that is no issuer, and an account", "fault webfinger-script-issuer"}},
		{name: "discovery-webfinger-url", plans: "D", must: "find the issuer", shown: []string{"script discover: an address that is no issuer, and an account", "fault webfinger-no-link"}},
		{name: "dynamic-registration", plans: "D", must: "register, and use what comes back", shown: []string{"script register: the whole life", "test test/ops: TestRegister", "fault registration-other-redirect-uri"}},
		{name: "request-uri-signed-rs256", plans: "D", must: "send a signed request by reference: by pushing it, which needs no public address", shown: []string{"script par: a signed request, in the query and pushed", "test test/ops: TestRequests"}},
		{name: "request-uri-signed-none", plans: "D", must: "send a request by reference: by pushing it", shown: []string{"script par: a pushed request", "fault par-http-request-uri"}},
		{name: "userinfo-signed", plans: "D", must: "verify and accept", shown: []string{"script encryption: a signed UserInfo that is not encrypted", "fault userinfo-signed-badly"}},
		{name: "aggregated-claims", plans: "x", must: "process", shown: []string{"script userinfo-sources: with it they are checked", "fault source-signed-badly"}},
		{name: "distributed-claims", plans: "x", must: "fetch, where the person asks for it", shown: []string{"script userinfo-sources: a source that is asked without a token", "fault source-both-ways"}},
		{name: "mtls-endpoint-aliases", plans: "x", must: "use the alias", shown: []string{"script mtls: the client proves itself with a certificate", "test test/ops: TestCertificates"}},
		{name: "refresh-token", plans: "R", must: "refresh, then ask UserInfo", shown: []string{"script tokens: a fresh token costs no request", "script flow-refresh: it is the profile's from here on"}},
		{name: "refresh-token-invalid-issuer", plans: "R", must: "stop", shown: []string{"fault refresh-wrong-iss"}},
		{name: "refresh-token-invalid-sub", plans: "R", must: "stop", shown: []string{"fault refresh-wrong-sub"}},
		{name: "3rd-party-init-login", plans: "x", must: "begin a sign-in when its address is called", why: "a command begins its sign-ins itself; nobody calls a terminal, and a page that could would choose the provider (OIDC Core 4)"},
		{name: "rp-init-logout", plans: "L", must: "send id_token_hint and a registered address, take the way back", shown: []string{"script logout: signed out: each step told", "test test/ops: TestLogout"}},
		{name: "rp-init-logout-other-state", plans: "L", must: "finish all the same; rely is signed out, and says what was wrong", shown: []string{"fault logout-wrong-state"}},
		{name: "rp-init-logout-no-state", plans: "L", must: "finish all the same; rely is signed out, and says what was wrong", shown: []string{"fault logout-no-state"}},
		{name: "rp-frontchannel-rpinitlogout", plans: "L", must: "end the session", shown: []string{"script logout-notices: what the provider tells a client at a sign-out", "fault frontchannel-wrong-sid"}},
		{name: "rp-frontchannel-opinitlogout", plans: "x", must: "end the session", shown: []string{"script logout-notices: a sign-out that begins elsewhere"}},
		{name: "rp-backchannel-rpinitlogout", plans: "L", must: "answer 200, not to be stored", shown: []string{"script logout-notices: what the provider tells a client at a sign-out", "test test/ops: TestLogoutNotice"}},
		{name: "alg-none (back-channel)", plans: "L", must: "answer 400", shown: []string{"fault backchannel-alg-none"}},
		{name: "no-event", plans: "L", must: "answer 400", shown: []string{"fault backchannel-no-events"}},
		{name: "with-nonce", plans: "L", must: "answer 400", shown: []string{"fault backchannel-nonce"}},
		{name: "wrong-alg", plans: "L", must: "answer 400", shown: []string{"fault backchannel-wrong-alg"}},
		{name: "wrong-aud", plans: "L", must: "answer 400", shown: []string{"fault backchannel-wrong-aud"}},
		{name: "wrong-event", plans: "L", must: "answer 400", shown: []string{"fault backchannel-other-event"}},
		{name: "wrong-iss", plans: "L", must: "answer 400", shown: []string{"fault backchannel-wrong-iss"}},
		{name: "session-management", plans: "L", must: "poll a frame, and see that the session changed", why: "it needs a page that stays open in a browser, and cookies in frames, which browsers no longer send"},
	}
}

// fapi are the modules of the FAPI plans that add something.
func fapi() []module {
	f := func(name, must string, shown ...string) module {
		return module{name: name, plans: "F", must: must, shown: shown}
	}
	return []module{
		f("invalid-authorization-response-iss", "stop, and not send the code", "fault wrong-response-iss"),
		f("remove-authorization-response-iss", "stop", "fault missing-response-iss"),
		f("ensure-authorization-response-with-invalid-state-fails", "say so, and stop", "fault wrong-state"),
		f("ensure-authorization-response-with-invalid-missing-state-fails", "say so, and stop", "fault missing-state"),
		f("invalid-secondary-aud", "stop", "fault aud-extra-no-azp"),
		f("invalid-alternate-alg", "stop", "fault alg-not-registered"),
		f("invalid-null-alg", "stop", "fault alg-none"),
		f("invalid-missing-iss", "stop", "fault missing-iss"),
		f("invalid-missing-aud", "stop", "fault missing-aud"),
		f("invalid-missing-exp", "stop", "fault missing-exp"),
		f("invalid-missing-nonce", "stop", "fault missing-nonce"),
		f("invalid-expired-exp", "stop", "fault expired"),
		f("ensure-jarm-with-invalid-sig-fails", "stop", "fault jarm-bad-signature", "fault jarm-other-key"),
		f("ensure-jarm-signature-algorithm-is-not-none", "stop", "fault jarm-alg-none"),
		f("ensure-jarm-with-invalid-iss-fails", "stop", "fault jarm-wrong-iss"),
		f("ensure-jarm-without-iss-fails", "stop", "fault jarm-missing-iss"),
		f("ensure-jarm-with-invalid-aud-fails", "stop", "fault jarm-wrong-aud"),
		f("ensure-jarm-without-aud-fails", "stop", "fault jarm-missing-aud"),
		f("ensure-jarm-with-expired-exp-fails", "stop", "fault jarm-expired"),
		f("ensure-jarm-without-exp-fails", "stop", "fault jarm-missing-exp"),
		f("valid-aud-as-array", "accept", "fault good-aud-array", "fault good-jarm-aud-list"),
		f("token-type-case-insensitivity", "accept", "fault good-token-type-case"),
		f("token-endpoint-response-without-expires_in", "accept", "fault good-no-expires-in"),
		f("rs-dpop-auth-scheme-case-insensitivity", "accept", "fault good-dpop-type-case"),
		f("happy-path with a DPoP nonce", "repeat once, with the nonce", "fault good-dpop-nonce", "fault dpop-nonce-never-right", "test test/ops: TestDPoP"),
		f("refresh-token-test", "follow the rotation", "script refresh: the answer to a renewal is lost on its way", "script flow-refresh: it is the profile's from here on"),
		f("iat-is-week-in-past", "stop", "fault iat-week-old"),
		f("invalid-shash", "stop", "fault bad-s-hash"),
		f("no-scope-in-token-endpoint-response", "accept", "fault good-no-scope"),
		f("missing-athash (code id_token)", "accept", "fault good-hybrid-no-hashes"),
		f("encrypted-idtoken-usingrsa15", "stop", "fault encrypted-rsa1-5", "fault jarm-encrypted-rsa1-5"),
	}
}

// evidence is what shows that a module holds; what [TestCertification] walks,
// it shows.
func (m module) evidence() []string {
	var out []string
	for _, lie := range m.lies {
		out = append(out, "fault "+lie)
	}
	if strings.ContainsAny(m.plans, "BIH") {
		out = append(out, "test cmd: TestCertification")
	}
	return append(out, m.shown...)
}

// docCertification is docs/reference/certification.md.
func docCertification(t *testing.T) string {
	t.Helper()
	rows := func(all []module, about string) [][]string {
		var out [][]string
		for _, m := range all {
			shown := make([]string, 0, 4)
			for _, e := range m.evidence() {
				kind, name, _ := strings.Cut(e, " ")
				name, words, more := strings.Cut(name, ": ")
				switch {
				case kind == "test":
					shown = append(shown, "test `"+words+"` in "+name)
				case more:
					shown = append(shown, "script `"+name+"`, \""+words+"\"")
				default:
					shown = append(shown, kind+" `"+name+"`")
				}
			}
			if len(shown) == 0 {
				shown = []string{"not offered: " + m.why}
			}
			plans := strings.NewReplacer("Hi", "H", "Ht", "H").Replace(m.plans)
			out = append(out, []string{code(strings.TrimPrefix(m.name, "-")), plans, m.must, strings.Join(shown, "; ")})
		}
		return out
	}
	head := []string{"module", "plans", "the client has to", "shown by"}
	intro := "The modules of the OpenID Foundation's conformance suite for relying parties, and what shows here that each of them holds: a [fault](faults.md) of the embedded provider, " +
		"which `rely demo --break NAME` commits, a script in `cmd/testdata/script`, or a test.\n\n" +
		"B, I, IT and H are Basic, Implicit (IT: with an access token) and Hybrid; all of those are repeated with form_post. C is Config, D Dynamic, R refresh, L logout, F FAPI; x stands in no plan. " +
		"`TestCertification` walks the 89 instances of Basic, Implicit and Hybrid, and the same 89 with form_post, and sees that nothing is asked of the provider after a lie."
	return generated + table("Certification", intro, head, rows(modules(), "")) + "\n" + strings.TrimPrefix(table("FAPI", "What the FAPI 2.0 and FAPI 1.0 Advanced plans add.", head, rows(fapi(), "")), "# FAPI\n\n")
}

// TestCertificationIsShown fails where what a module names does not exist, or
// says something else than the module.
func TestCertificationIsShown(t *testing.T) {
	t.Parallel()
	faults := demoop.Faults()
	seen := map[string]bool{}
	for _, m := range append(modules(), fapi()...) {
		if seen[m.plans+m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.plans+m.name] = true
		all := m.evidence()
		if (len(all) == 0) == (m.why == "") {
			t.Errorf("%s: got %q and %q, want something that shows it, or why nothing does", m.name, all, m.why)
		}
		for _, e := range all {
			if trouble := missingEvidence(t, faults, m, e); trouble != "" {
				t.Errorf("%s: %s: %s", m.name, e, trouble)
			}
		}
	}
	if n := len(modules()); n != 57 {
		t.Errorf("got %d modules, want the suite's 57", n)
	}
}

func missingEvidence(t *testing.T, faults []demoop.Fault, m module, e string) string {
	t.Helper()
	kind, rest, _ := strings.Cut(e, " ")
	name, words, _ := strings.Cut(rest, ": ")
	switch kind {
	case "fault":
		at := slices.IndexFunc(faults, func(f demoop.Fault) bool { return f.Name == name })
		if at < 0 {
			return "there is no such fault"
		}
		if accepts := m.must == "accept"; accepts && faults[at].Exit != 0 {
			return fmt.Sprintf("the fault ends with %d, and the module wants it accepted", faults[at].Exit)
		}
	case "script":
		text, err := os.ReadFile(filepath.Join("testdata", "script", name+".txtar"))
		if err != nil {
			return err.Error()
		}
		if !regexp.MustCompile(`(?m)^# .*` + regexp.QuoteMeta(words)).Match(text) {
			return "no part of it begins so"
		}
	case "test":
		files, _ := filepath.Glob(filepath.Join(docRoot, filepath.FromSlash(name), "*_test.go"))
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "func "+words+"(t *testing.T)") {
				return ""
			}
		}
		return "there is no such test"
	default:
		return "it is of no kind that is known"
	}
	return ""
}

// claimsIn are a signed token's claims, unverified.
func claimsIn(token string) []byte {
	parts := strings.Split(strings.TrimSpace(token)+"..", ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return claims
}
