package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/store"
	"rely/internal/wire"
)

// call makes one request with the session's access token.
type call struct {
	*invocation
	headers listFlag
	body    string
	include bool
}

type callJSON struct {
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    any                 `json:"body,omitempty"` // as it came where it is JSON, else a text
}

func newCall(i *invocation) *cobra.Command {
	k := &call{invocation: i}
	k.headers.placeholder = "LINE"
	c := &cobra.Command{
		Use:   "call [METHOD] URL",
		Short: "Make one request with the access token attached",
		Long: `Makes one HTTP request with the session's access token in its Authorization
header, renewed first where it is about to expire. A session that was made with
--dpop sends a proof with it, with the server's nonce where it wants one; no other
program can use its token. The METHOD is GET, or POST where there is a body.

The token goes to the URL and nowhere else: that has to be https, or http on this
machine, and a redirect is shown and not followed. The answer's body goes to
standard output, escaped where that is a terminal. A 4xx is exit code 5, and a 5xx
is 7; the body is printed all the same.`,
		Example: `  rely call https://api.example/me
  rely call https://api.example/items --body item.json -H "Content-Type: application/json"
  rely call DELETE https://api.example/items/7
  rely call https://api.example/me -o json | jq .result.status`,
		Args: arguments(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			k.warm = true
			if err := k.open(c, false); err != nil {
				return err
			}
			return k.likely(c.Context(), k.run(c.Context(), args))
		},
	}
	c.Flags().VarP(&k.headers, "header", "H", "further header, as \"Name: value\", may stand more than once")
	c.Flags().StringVar(&k.body, "body", "", "`FILE` with the request's body, - for standard input")
	c.Flags().BoolVarP(&k.include, "include", "i", false, "print the answer's status and headers before its body")
	i.settingFlags(c.Flags(), "min_ttl", "store", "no_cache")
	return c
}

const callOp = "call the resource"

func (k *call) run(ctx context.Context, args []string) error {
	req, err := k.request(args)
	if err != nil {
		return err
	}
	if k.profile == "" {
		return &fault.Error{Kind: fault.Login, ID: "session.none", Op: "find the session", Err: errNoProfile, Hint: "run \"rely login ISSUER --client-id ID\""}
	}
	keeper := k.sessions(false)
	s, err := keeper.Fresh(ctx, k.values.Duration("min_ttl"), false)
	if err != nil {
		return err
	}
	k.learnSession(s)
	hc, err := k.http()
	if err != nil {
		return err
	}
	bound, scheme := *hc, ""
	if bound.Base, scheme, err = keeper.Through(s, hc.Base); err != nil {
		return err
	}
	req.Header.Set("Authorization", scheme+" "+s.Access.Reveal())
	a, err := bound.Do(ctx, callOp, req, wire.Resource)
	if err != nil {
		return err
	}
	if err := k.print(a); err != nil {
		return err
	}
	return k.judge(a, s)
}

// request is what the arguments and flags ask for, without the token.
func (k *call) request(args []string) (*http.Request, error) {
	method, address := "", args[len(args)-1]
	if len(args) == 2 {
		method = strings.ToUpper(args[0])
		if !regexp.MustCompile(`^[A-Z]{1,20}$`).MatchString(method) {
			return nil, usage(fmt.Errorf("%q is no method of HTTP", args[0]), "write it as \"rely call GET URL\"")
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && wire.Loopback(u.Hostname())) {
		return nil, &fault.Error{Kind: fault.Usage, ID: "call.url", Op: callOp, Spec: "RFC 6750 5.3", Err: fmt.Errorf("the token does not go to %.200q: it is not an https URL without user part and fragment (http on this machine alone)", address),
			Hint: "give the whole address, as https://api.example/me"}
	}
	body, err := k.content()
	if err != nil {
		return nil, err
	}
	switch {
	case method == "" && k.body != "":
		method = http.MethodPost
	case method == "":
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, usage(err, "give the whole address, as https://api.example/me")
	}
	req.Header.Set("Accept", "*/*")
	for _, line := range k.headers.values {
		name, value, found := strings.Cut(line, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !found || !regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$").MatchString(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, usage(fmt.Errorf("%q is no header line", line), "write it as -H \"Name: value\"")
		}
		if slices.Contains([]string{"Authorization", "Dpop", "Host", "Content-Length", "Transfer-Encoding", "Connection"}, name) {
			return nil, usage(fmt.Errorf("the header %s is rely's to set", name), "leave it out")
		}
		req.Header.Add(name, value)
	}
	return req, nil
}

func (k *call) content() ([]byte, error) {
	switch k.body {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(k.Stdin)
	}
	body, err := os.ReadFile(k.body)
	if err != nil {
		return nil, unreadable(k.body, err)
	}
	return body, nil
}

// print shows the answer: as it came in a pipe, escaped to a terminal.
func (k *call) print(a *wire.Answer) error {
	if k.format() != "text" && k.format() != "raw" {
		j := callJSON{Status: a.Status, Headers: a.Header}
		if json.Valid(a.Body) {
			j.Body = json.RawMessage(a.Body)
		} else if len(a.Body) > 0 {
			j.Body = strings.ToValidUTF8(string(a.Body), "\ufffd")
		}
		return output.Print(k.Stdout, k.format(), output.Result{Schema: "call/1", JSON: j})
	}
	var b bytes.Buffer
	if k.include {
		fmt.Fprintf(&b, "%d %s\n", a.Status, http.StatusText(a.Status))
		names := make([]string, 0, len(a.Header))
		for name := range a.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			for _, value := range a.Header[name] {
				fmt.Fprintf(&b, "%s: %s\n", fault.Visible(name), fault.Visible(value))
			}
		}
		b.WriteString("\n")
	}
	if k.Shown {
		b.WriteString(forTerminal(a.Body))
	} else {
		b.Write(a.Body)
	}
	_, err := k.Stdout.Write(b.Bytes())
	return err
}

// forTerminal is a body for a terminal: lines stay, and nothing in them moves the
// cursor. What is no text is told, not shown.
func forTerminal(body []byte) string {
	if !utf8.Valid(body) {
		return fmt.Sprintf("(%d bytes that are no text; send them into a file)\n", len(body))
	}
	var b strings.Builder
	for line := range strings.Lines(string(body)) {
		for n, cell := range strings.Split(strings.TrimRight(line, "\r\n"), "\t") {
			if n > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(fault.Visible(cell))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// judge turns the answer's status into the exit code.
func (k *call) judge(a *wire.Answer, s *store.Session) error {
	if a.Status < 300 {
		return nil
	}
	if a.Status < 400 || a.Status >= 500 {
		return a.Unexpected(callOp)
	}
	f := &fault.Error{Kind: fault.Denied, ID: "call.refused", Op: callOp, Spec: "RFC 9110 15.5", Err: fmt.Errorf("the server answered %d %s", a.Status, http.StatusText(a.Status)),
		Hint: "look at the request with --trace"}
	if challenge := a.Header.Get("WWW-Authenticate"); challenge != "" {
		f.Spec, f.Err = "RFC 6750 3", fmt.Errorf("%w: %.500s", f.Err, challenge)
	}
	own, _ := k.clientCertificate()
	switch {
	case a.Status == http.StatusUnauthorized && own != nil:
		f.Hint = "call the address at which the server asks for certificates (mtls_endpoint_aliases in \"rely discover\"), or sign in again: the token may be bound to the client's certificate"
	case a.Status == http.StatusUnauthorized && s.Refresh.Empty():
		f.Hint = "sign in again with \"rely login\", with the scopes and the resource that the server wants"
	case a.Status == http.StatusUnauthorized:
		f.Hint = "get a new access token with \"rely tokens --force\", or sign in again with the resource that the server wants"
	case a.Status == http.StatusForbidden && strings.Contains(a.Header.Get("WWW-Authenticate"), "insufficient_scope"):
		f.Hint = "sign in again with the scope that the server wants (--scope)"
	}
	return f
}

// proofFor makes the headers that another program needs for one request with
// the session's token: "[METHOD] URL".
func (t *tokens) proofFor(s *store.Session, what string) (string, error) {
	method, address, both := strings.Cut(strings.TrimSpace(what), " ")
	if !both {
		method, address = http.MethodGet, method
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return "", usage(fmt.Errorf("%q is not \"METHOD URL\"", what), "write it as --proof-for \"GET https://api.example/me\"")
	}
	if s.DPoPKey.Empty() {
		return "", usage(errors.New("the session's tokens are not bound to a key, so there is nothing to prove"), "leave --proof-for out")
	}
	return t.sessions(false).Proof(s, strings.ToUpper(method), u)
}
