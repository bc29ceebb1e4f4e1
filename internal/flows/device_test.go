package flows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A script is a token endpoint that gives one answer after the other, the last
// of them for ever: an error code, "tokens", "html", a status, or nothing.
type script []string

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	next := (*s)[0]
	if len(*s) > 1 {
		*s = (*s)[1:]
	}
	status, kind, body := 400, "application/json", `{"error":"`+next+`"}`
	switch next {
	case "":
		return nil, errors.New("nobody is there")
	case "503":
		status, kind, body = 503, "text/plain", "later"
	case "429 slow_down":
		status, body = 429, `{"error":"slow_down"}`
	case "429":
		status, body = 429, `{"error":"too_many_requests"}`
	case "html":
		status, kind, body = 200, "text/html", "<p>hello"
	case "tokens":
		status, body = 200, `{"access_token":"a","token_type":"Bearer"}`
	}
	form, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(form), "device_code=the-code") || !strings.Contains(string(form), "client_id=me") {
		return nil, errors.New("no device_code or no client_id")
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A proof is a client that proves itself by its name.
type proof struct{}

func (proof) Prove(_ http.Header, form url.Values) error { form.Set("client_id", "me"); return nil }

// waiting is a device on a clock that only sleeping moves.
func waiting(answers ...string) (*device, *[]int) {
	now, slept := time.Unix(1700000000, 0), &[]int{}
	clock := func() time.Time { return now }
	sleep := func(ctx context.Context, d time.Duration) error {
		now = now.Add(d)
		*slept = append(*slept, int(d/time.Second))
		return ctx.Err()
	}
	s := script(answers)
	return &device{asking: asking{what: "code",
		Request: &Request{
			Provider: &provider.Provider{Metadata: provider.Metadata{Issuer: "https://op.example", TokenEndpoint: "https://op.example/token"}},
			HTTP:     &wire.Client{Base: &s, Timeout: time.Minute, Now: clock, Sleep: sleep},
			Now:      clock, Sleep: sleep, ClientID: "me", Prove: proof{},
			Wait: 10 * time.Minute,
		},
		interval: 5 * time.Second, lifetime: 5 * time.Minute, failed: make(chan error, 1),
	}, code: secret.New("the-code")}, slept
}

func TestPoll(t *testing.T) {
	t.Parallel()
	const pending = "authorization_pending"
	for what, c := range map[string]struct {
		answers []string
		kind    fault.Kind
		id      string
		slept   []int
	}{
		"the first request goes out after one interval":  {[]string{"tokens"}, 0, "", []int{5}},
		"pending goes on at the same pace":               {[]string{pending, pending, "tokens"}, 0, "", []int{5, 5, 5}},
		"slow_down adds five seconds for good":           {[]string{pending, "slow_down", pending, "slow_down", pending, "tokens"}, 0, "", []int{5, 5, 10, 10, 15, 15}},
		"slow_down as Auth0 says it":                     {[]string{"429 slow_down", "tokens"}, 0, "", []int{5, 10}},
		"a provider that has enough":                     {[]string{"429", pending, "tokens"}, 0, "", []int{5, 10, 5}},
		"the person says no: at once":                    {[]string{pending, "access_denied"}, fault.Denied, "token.access_denied", []int{5, 5}},
		"the code ran out: at once":                      {[]string{"expired_token"}, fault.Login, "device.expired", []int{5}},
		"another error is the provider's no":             {[]string{"invalid_grant"}, fault.Denied, "token.invalid_grant", []int{5}},
		"a web page is no answer to go on with":          {[]string{"html"}, fault.Protocol, "wire.json", []int{5}},
		"two requests lost, the wait doubled each time":  {[]string{"", "503", pending, "tokens"}, 0, "", []int{5, 10, 20, 5}},
		"three requests lost in a row":                   {[]string{pending, "", "503", ""}, fault.Network, "token.unreachable", []int{5, 5, 10, 20}},
		"three lost, but never in a row":                 {[]string{"", pending, "", pending, "", "tokens"}, 0, "", []int{5, 10, 5, 10, 5, 10}},
		"nobody comes: the lifetime ends it, to the end": {[]string{"slow_down", "slow_down", "slow_down", pending}, fault.Login, "device.expired", []int{5, 10, 15, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 10}},
	} {
		d, slept := waiting(c.answers...)
		got, err := d.poll(t.Context())
		var f *fault.Error
		switch {
		case c.kind == 0 && (err != nil || got.Access.Reveal() != "a"):
			t.Errorf("%s: got %v", what, err)
		case c.kind != 0 && (!errors.As(err, &f) || f.Kind != c.kind || f.ID != c.id || f.Hint == "" || f.Spec == ""):
			t.Errorf("%s: got %#v, want %s %s with a rule and a hint", what, err, c.kind, c.id)
		}
		if !slices.Equal(*slept, c.slept) {
			t.Errorf("%s: slept %d, want %d", what, *slept, c.slept)
		}
	}
}

func TestPollEndsInTime(t *testing.T) {
	t.Parallel()
	d, slept := waiting("authorization_pending")
	d.Wait = 12 * time.Second
	if _, err := d.poll(t.Context()); !fault.Is(err, fault.Unfinished) || !slices.Equal(*slept, []int{5, 5, 2}) {
		t.Errorf("got %v after %d, want unfinished after 5, 5 and 2 s", err, *slept)
	}
	d, _ = waiting("authorization_pending")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.poll(ctx); !fault.Is(err, fault.Cancelled) {
		t.Errorf("got %v, want cancelled", err)
	}
}

// A robot that stumbled over the last page may have got far enough.
func TestPollAsksOnceMoreWhenTheAgentGivesUp(t *testing.T) {
	t.Parallel()
	d, _ := waiting("tokens")
	d.failed <- errors.New("the page made no sense")
	if _, err := d.poll(t.Context()); err != nil {
		t.Errorf("got %v, want the tokens", err)
	}
	d, _ = waiting("authorization_pending")
	gaveUp := errors.New("the password is wrong")
	d.failed <- gaveUp
	if _, err := d.poll(t.Context()); !errors.Is(err, gaveUp) {
		t.Errorf("got %v, want the agent's own error", err)
	}
}

func TestReadDevice(t *testing.T) {
	t.Parallel()
	const whole = `"device_code":"c","user_code":"BCDF-GHJK","verification_uri":"https://op.example/device","expires_in":600`
	for what, c := range map[string]struct {
		answer   string
		id       string
		interval time.Duration
	}{
		"no interval":                    {whole, "", 5 * time.Second},
		"an interval":                    {whole + `,"interval":7`, "", 7 * time.Second},
		"an interval in a string":        {whole + `,"interval":"7"`, "", 7 * time.Second},
		"no time at all between":         {whole + `,"interval":0`, "", 100 * time.Millisecond},
		"null":                           {whole + `,"interval":null`, "", 5 * time.Second},
		"words":                          {whole + `,"interval":"soon"`, "device.interval", 0},
		"before now":                     {whole + `,"interval":-1`, "device.interval", 0},
		"no number":                      {whole + `,"interval":"NaN"`, "device.interval", 0},
		"longer than the code":           {whole + `,"interval":600`, "device.interval", 0},
		"the name in the drafts":         {strings.Replace(whole, "uri", "url", 1), "", 5 * time.Second},
		"a page with a fragment":         {whole + `,"verification_uri_complete":"https://op.example/#/device?c=1"`, "", 5 * time.Second},
		"no lifetime":                    {strings.Replace(whole, `,"expires_in":600`, "", 1), "device.expires-in", 0},
		"no life":                        {strings.Replace(whole, "600", "0", 1), "device.expires-in", 0},
		"no device code":                 {strings.Replace(whole, "device_code", "d", 1), "device.device-code", 0},
		"no user code":                   {strings.Replace(whole, "user_code", "u", 1), "device.user-code", 0},
		"escape sequences in the code":   {strings.Replace(whole, "BCDF", `\u001b[2J`, 1), "device.user-code", 0},
		"no page":                        {strings.Replace(whole, "verification_uri", "v", 1), "device.uri", 0},
		"a script":                       {strings.Replace(whole, "https://op.example/device", "javascript:alert(1)", 1), "device.uri", 0},
		"http elsewhere":                 {strings.Replace(whole, "https", "http", 1), "device.uri", 0},
		"http here, for an https issuer": {strings.Replace(whole, "https://op.example", "http://127.0.0.1:1", 1), "device.uri", 0},
		"a file as the complete page":    {whole + `,"verification_uri_complete":"file:///etc/passwd"`, "device.uri", 0},
		"an option as the complete page": {whole + `,"verification_uri_complete":"--new-window=https://evil.example"`, "device.uri", 0},
	} {
		d, _ := waiting("tokens")
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte("{"+c.answer+"}"), &m); err != nil {
			t.Fatal(err)
		}
		err := d.read(m)
		var f *fault.Error
		switch {
		case c.id == "" && (err != nil || d.interval != c.interval || d.lifetime != 10*time.Minute):
			t.Errorf("%s: got %v, %s", what, err, d.interval)
		case c.id != "" && (!errors.As(err, &f) || f.ID != c.id || f.Kind != fault.Protocol):
			t.Errorf("%s: got %v, want %s", what, err, c.id)
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	d, _ := waiting("")
	d.Provider.Metadata.AuthorizationEndpoint = "https://login.example/authorize"
	for page, want := range map[string]string{
		"https://op.example/device":         "[https://op.example https://login.example]",
		"https://op.example:8443/device":    "[https://op.example https://login.example https://op.example:8443]",
		"https://login.example/device":      "[https://op.example https://login.example]",
		"https://op.example.evil.example/x": "[https://op.example https://login.example]",
	} {
		if got := fmt.Sprint(d.Origins(page, page)); got != want {
			t.Errorf("%s: got %s, want %s", page, got, want)
		}
	}
}
