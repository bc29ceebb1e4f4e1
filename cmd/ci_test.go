package cmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rely/internal/jose"
	"rely/internal/secret"
)

// assertion signs a JWT with NAME.pem and writes it to NAME.jwt:
// assertion NAME ISS SUB AUD
func assertion(ts *testscript.TestScript, _ bool, args []string) {
	keys, err := jose.ParsePrivate(args[0]+".pem", secret.New(ts.ReadFile(args[0]+".pem")))
	ts.Check(err)
	now := time.Now().Unix()
	token, err := jose.Sign(keys[0], map[string]any{"alg": "ES256"}, map[string]any{"iss": args[1], "sub": args[2], "aud": args[3], "jti": time.Now().String(), "iat": now, "exp": now + 60})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".jwt"), []byte(token.Reveal()+"\n"), 0o600))
}

// github is what GitHub Actions gives a job that may ask for its identity: an
// address and a bearer token, in variables. The answer is the token in FILE, or
// what the second argument says: github FILE [html|huge|nothing|500|redirect]
func github(ts *testscript.TestScript, _ bool, args []string) {
	const bearer = "the-runner-s-own-bearer-token"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+bearer || r.URL.Query().Get("api-version") != "2.0" || r.URL.Query().Get("audience") == "" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		how := strings.Join(args[1:], "")
		switch how {
		case "500":
			w.WriteHeader(http.StatusInternalServerError)
			return
		case "redirect":
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
			return
		case "html":
			_, _ = w.Write([]byte("<p>hello"))
			return
		}
		token := strings.TrimSpace(ts.ReadFile(args[0]))
		switch how {
		case "huge":
			token = strings.Repeat("a", 1<<20)
		case "nothing":
			token = ""
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": token, "audience": r.URL.Query().Get("audience")})
	}))
	ts.Defer(s.Close)
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", s.URL+"/token?api-version=2.0")
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)
	ts.Setenv("GITHUB_ACTIONS", "true")
}
