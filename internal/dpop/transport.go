package dpop

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"rely/internal/fault"
	"rely/internal/secret"
)

// Header is the name of the proof's header (RFC 9449 4.1).
const Header = "DPoP"

// most is how much of a refusal is looked at, in bytes.
const most = 1 << 20

// A Transport adds a proof to each request, with the hash of the access token
// where the Authorization header has one of the scheme DPoP. A server that asks
// for its nonce gets the request once more, with the nonce; nothing is repeated
// for any other reason.
type Transport struct {
	Base   http.RoundTripper
	Prover *Prover
}

// RoundTrip implements [http.RoundTripper]; the request given is not changed.
// A nonce that is asked for and not given, or asked for again, is Protocol.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		resp, err := t.once(req, body)
		if err != nil {
			return nil, err
		}
		fresh := t.Prover.remember(req.URL, resp.Header.Get("DPoP-Nonce"))
		if wants, err := wantsNonce(resp); !wants || err != nil {
			return resp, err
		}
		if fresh && try == 1 {
			_ = resp.Body.Close()
			continue
		}
		_ = resp.Body.Close()
		return nil, &fault.Error{Kind: fault.Protocol, ID: "dpop.nonce", Op: "prove possession of the key", Spec: "RFC 9449 8, 9",
			Err:  errors.New(map[bool]string{true: "the server asks for a nonce and gives none", false: "the server asks for a nonce again, though it was sent the one that it gave"}[try == 1]),
			Hint: "have the people who run the server look at its DPoP nonces"}
	}
}

func (t *Transport) once(req *http.Request, body []byte) (*http.Response, error) {
	out := req.Clone(req.Context())
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "DPoP") {
		token = ""
	}
	proof, err := t.Prover.Proof(req.Method, req.URL, secret.New(token))
	if err != nil {
		return nil, err
	}
	out.Header.Set(Header, proof)
	if body != nil {
		out.Body, out.GetBody = io.NopCloser(bytes.NewReader(body)), nil
	}
	return t.Base.RoundTrip(out)
}

// wantsNonce reports whether the answer asks for a nonce: in the words of an
// authorization server (RFC 9449 8), or of a resource server (9). The body can
// be read again.
func wantsNonce(resp *http.Response) (bool, error) {
	if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnauthorized {
		return false, nil
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, `error="use_dpop_nonce"`) {
			return true, nil
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return false, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
	var said struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil && said.Error == "use_dpop_nonce", nil
}
