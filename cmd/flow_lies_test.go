package cmd

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/fault"
)

// A stand is an embedded provider over plain http on loopback, and a process
// that has nothing yet.
type stand struct {
	t      *testing.T
	issuer string
	op     *demoop.Server
	home   func(args ...string) (code int, stdout, stderr string)
	close  func()
	silent bool // the token endpoint gives nobody anything
}

// stands makes one. seen, if not nil, is shown each request.
func stands(t *testing.T, faults []string, seen func(*http.Request)) (*stand, error) {
	s := httptest.NewUnstartedServer(nil)
	issuer := "http://" + s.Listener.Addr().String()
	op, err := demoop.New(demoop.Options{Issuer: issuer, Now: time.Now, Tick: time.After, Faults: faults, Legacy: true, DeviceInterval: time.Millisecond})
	if err != nil {
		return nil, err
	}
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		op.ServeHTTP(w, r)
	})
	s.Start()
	var stdout, stderr bytes.Buffer
	a := testApp(t, &stdout, &stderr)
	return &stand{t: t, issuer: issuer, op: op, close: func() { op.Close(); s.Close() }, home: func(args ...string) (int, string, string) {
		stdout.Reset()
		stderr.Reset()
		code := Main(a, args)
		return code, stdout.String(), stderr.String()
	}}, nil
}

// file keeps text where a command reads it.
func (s *stand) file(name, text string) string {
	file := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Error(err)
	}
	return file
}

// grown is a token that another program got here; where a lie stands in its
// place, one that is worth nothing.
func (s *stand) grown(member string) string {
	form := url.Values{"grant_type": {"password"}, "client_id": {"demo"}, "username": {"alice"}, "password": {demoAlice}, "scope": {"openid profile offline_access"}}
	if s.silent {
		return "from-elsewhere-0123456789"
	}
	resp, err := http.PostForm(s.issuer+"/token", form)
	if err != nil {
		return "from-elsewhere-0123456789"
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	found := regexp.MustCompile(`"` + member + `": ?"([\w.-]+)"`).FindSubmatch(body)
	if found == nil {
		return "from-elsewhere-0123456789"
	}
	return string(found[1])
}

// beginnings are the command lines with which each flow asks the token endpoint
// for the first time, where a lie of it shows. For the code flow
// [TestDemoMeetsEveryFault] has them all, for the hybrid [TestCertification].
func beginnings() map[string]func(s *stand) []string {
	person := func(flow string, more ...string) func(*stand) []string {
		return func(s *stand) []string {
			return append([]string{"login", s.issuer, "-p", "x", "--client-id", "web", "--client-secret-file", s.file("secret", "web-secret-0123456789abcdef"),
				"--redirect-uri", "http://127.0.0.1:0/cb", "--flow", flow, "--username", "alice", "--password-file", s.file("pw", demoAlice), "--browser", "forms"}, more...)
		}
	}
	return map[string]func(*stand) []string{
		"device":   person("device"),
		"password": person("password", "--scope", "openid profile"),
		"ciba": func(s *stand) []string {
			return []string{"login", s.issuer, "-p", "x", "--client-id", "web", "--client-secret-file", s.file("secret", "web-secret-0123456789abcdef"), "--flow", "ciba", "--login-hint", "alice"}
		},
		"client-credentials": func(s *stand) []string {
			return []string{"tokens", "--issuer", s.issuer, "--client-id", "service", "--client-secret-file", s.file("secret", "service-secret-0123456789abcdef"), "--flow", "client-credentials"}
		},
		"refresh": func(s *stand) []string {
			return []string{"login", s.issuer, "-p", "x", "--client-id", "demo", "--flow", "refresh", "--refresh-token-file", s.file("token", s.grown("refresh_token"))}
		},
		"token-exchange": func(s *stand) []string {
			return []string{"tokens", "--issuer", s.issuer, "--client-id", "service", "--client-secret-file", s.file("secret", "service-secret-0123456789abcdef"), "--flow", "token-exchange",
				"--subject-token-file", s.file("token", s.grown("access_token")), "--subject-token-type", "access_token"}
		},
		"jwt-bearer": func(s *stand) []string {
			return []string{"tokens", "--issuer", s.issuer, "--client-id", "service", "--client-secret-file", s.file("secret", "service-secret-0123456789abcdef"), "--flow", "jwt-bearer",
				"--assertion-token-file", s.file("token", "eyJhbGciOiJub25lIn0.e30.")}
		},
	}
}

// TestEveryFlowMeetsTheLies commits the lies of the token endpoint and of ID
// tokens in every flow that asks that endpoint: what one of them refuses, all
// have to. Where the embedded provider would say no to what was redeemed, the
// lies that stand in place of any answer remain.
func TestEveryFlowMeetsTheLies(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	turns := make(chan bool, 12)
	for flow, begin := range beginnings() {
		met := 0
		for _, f := range demoop.Faults() {
			if !shows(flow, f) {
				continue
			}
			met++
			wait.Go(func() {
				turns <- true
				defer func() { <-turns }()
				if trouble := begun(t, f, begin); trouble != "" {
					t.Errorf("%s, %s: %s", flow, f.Name, trouble)
				}
			})
		}
		if met < 12 {
			t.Errorf("%s: got %d lies that it meets, want all that there are", flow, met)
		}
	}
	wait.Wait()
}

// shows reports whether a lie of the sign-in has to show in a flow.
func shows(flow string, f demoop.Fault) bool {
	if f.Needs != "" || f.At != "login" || f.Exit == 0 || f.Group == "dpop" {
		return false
	}
	served := f.On == "token" && f.Serve != nil && f.Name != "token-429"
	// Nothing good comes, so that nothing can be made of it: an error that nobody
	// can read is a no all the same.
	bent := slices.Contains([]string{"token-half-json", "token-not-utf8", "token-two-values", "token-repeated-json"}, f.Name)
	person := slices.Contains([]string{"device", "password", "ciba", "refresh"}, flow)
	switch {
	case bent && slices.Contains([]string{"device", "ciba", "refresh", "token-exchange", "jwt-bearer"}, flow):
		return false
	case f.Name == "token-500-then-well" && (flow == "ciba" || flow == "device"):
		return false // who asks again and again anyhow may ask once more
	case f.Name == "no-id-token" && (flow == "password" || flow == "refresh"):
		return false // RFC 6749 4.3 knows none, and OIDC Core 12.2 demands none
	case f.Name == "token-refresh-control-chars" && flow == "refresh":
		return false // it is the very token that the flow begins with
	case served:
		return true
	case flow == "client-credentials":
		return f.Answer != nil && f.Name != "no-id-token"
	case !person:
		return false
	case strings.Contains(f.Name, "nonce") || strings.Contains(f.Name, "c-hash") || strings.Contains(f.Name, "s-hash"):
		return false // nothing went before that they could be compared with
	}
	return f.Answer != nil || (f.IDToken != nil || f.Signed != nil || f.Keys != nil) && f.Alg == ""
}

// begun runs one flow against one lie, and says what is wrong with its end.
func begun(t *testing.T, f demoop.Fault, begin func(*stand) []string) string {
	s, err := stands(t, []string{f.Name}, nil)
	if err != nil {
		return err.Error()
	}
	defer s.close()
	s.silent = f.Serve != nil
	patience := "60s"
	if f.Exit == int(fault.Network) {
		patience = "1s"
	}
	code, _, said := s.home(append(begin(s), "--timeout", patience)...)
	switch {
	case code != f.Exit:
		return fmt.Sprintf("got exit code %d, want %d\n%s", code, f.Exit, said)
	case !strings.Contains("\n"+said, "\nrely: rule: "):
		return "got no rule:\n" + said
	case strings.ContainsFunc(said, func(r rune) bool { return r != '\n' && fault.Visible(string(r)) != string(r) }):
		return fmt.Sprintf("a control character shows: %q", said)
	}
	return ""
}
