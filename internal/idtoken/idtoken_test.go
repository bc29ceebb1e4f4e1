package idtoken

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
)

func TestTheWholeLadder(t *testing.T) {
	t.Parallel()
	c, rungs, err := Verify(t.Context(), secret.New(sign(goodHeader(), must(json.Marshal(goodClaims())))), goodExpected())
	check(t, c, rungs, err, "", "")
	if c.Issuer != issuer || c.Subject != "alice" || c.Audience[0] != clientID || c.Nonce != nonce || c.Expiry.Unix() != now+300 ||
		c.IssuedAt.Unix() != now || !c.AuthTime.IsZero() || string(c.All["name"]) != `"Alice"` || !bytes.Contains(c.Raw, []byte("Alice")) {
		t.Errorf("got %+v", c)
	}
	var got []string
	for _, r := range rungs {
		if r.Status == Passed {
			got = append(got, fmt.Sprintf("%s: want %s; got %s", r.Name, r.Expected, r.Actual))
		}
	}
	want := `encryption: want not encrypted; got not encrypted
form: want a compact JWS; got a compact JWS
typ: want JWT, or none; got JWT
crit: want no crit, no b64; got none
algorithm: want ES256; got ES256
key: want a key for ES256 with kid "e"; got EC P-256, kid "e"
signature: want ES256 by EC P-256, kid "e"; got matches
claims: want a JSON object; got aud, exp, iat, iss, name, nonce, sub
iss: want https://op.example; got https://op.example
sub: want 1 to 255 ASCII characters; got alice
aud: want contains demo; got demo
aud-others: want nobody else, or azp; got nobody else
exp: want not over, with 30s of clock skew; got 2026-11-18T11:11:40Z (in 5m0s)
iat: want not in the future, with 30s of clock skew; got 2026-11-18T11:06:40Z (now)
nonce: want [secret 69cc17e1]; got [secret 69cc17e1]`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	atHash, cHash := must(jose.HalfHash("ES256", accessToken)), must(jose.HalfHash("ES256", code))
	hour, minute := time.Hour, time.Minute
	front := func(e *Expected) { e.FrontChannel = true }
	maxAge := func(d *time.Duration) func(*Expected) { return func(e *Expected) { e.MaxAge = d } }
	skew := func(d time.Duration) func(*Expected) { return func(e *Expected) { e.Skew = d } }
	cases := map[string]struct {
		with  members
		e     func(*Expected)
		want  string
		words string
	}{
		"another issuer":              {members{"iss": issuer + "1"}, nil, "iss", `"iss" is "https://op.example1", not the issuer`},
		"a slash more":                {members{"iss": issuer + "/"}, nil, "iss", "not the issuer"},
		"the issuer in capitals":      {members{"iss": "https://OP.example"}, nil, "iss", "not the issuer"},
		"no issuer":                   {members{"iss": nil}, nil, "iss", `"iss" is missing`},
		"an issuer that is an array":  {members{"iss": []string{issuer}}, nil, "iss", `"iss" is not a string`},
		"no sub":                      {members{"sub": nil}, nil, "sub", `"sub" is missing`},
		"an empty sub":                {members{"sub": ""}, nil, "sub", `"sub" is empty`},
		"a sub that is a number":      {members{"sub": 1}, nil, "sub", `"sub" is not a string`},
		"a sub that is null":          {members{"sub": raw("null")}, nil, "sub", `"sub" is not a string`},
		"a sub of 255":                {members{"sub": strings.Repeat("s", 255)}, nil, "", ""},
		"a sub of 256":                {members{"sub": strings.Repeat("s", 256)}, nil, "sub", "256 bytes"},
		"a sub beyond ASCII":          {members{"sub": "al\u0131ce"}, nil, "sub", "not ASCII"},
		"aud as an array":             {members{"aud": []string{clientID}}, nil, "", ""},
		"aud twice the same":          {members{"aud": []string{clientID, clientID}}, nil, "", ""},
		"no aud":                      {members{"aud": nil}, nil, "aud", `"aud" is missing`},
		"another aud":                 {members{"aud": clientID + "1"}, nil, "aud", `"aud" does not contain the client id "demo"`},
		"an empty aud":                {members{"aud": []string{}}, nil, "aud", "does not contain"},
		"an aud of numbers":           {members{"aud": []any{clientID, 1}}, nil, "aud", "neither a string nor an array"},
		"an aud that is an object":    {members{"aud": members{clientID: 1}}, nil, "aud", "neither a string"},
		"a second aud":                {members{"aud": []string{clientID, "other"}}, nil, "aud-others", `also names "other"`},
		"a second aud with azp":       {members{"aud": []string{"other", clientID}, "azp": clientID}, nil, "", ""},
		"a second aud, azp the other": {members{"aud": []string{clientID, "other"}, "azp": "other"}, nil, "aud-others azp", ""},
		"azp":                         {members{"azp": clientID}, nil, "", ""},
		"another azp":                 {members{"azp": "other"}, nil, "azp", `"azp" is "other", not the client id`},
		"an azp that is a number":     {members{"azp": 7}, nil, "azp", "not a string"},
		"an empty azp":                {members{"azp": ""}, nil, "azp", "not the client id"},

		"no exp":                    {members{"exp": nil}, nil, "exp", `"exp" is missing`},
		"over":                      {members{"exp": now - 360}, nil, "exp", `"exp" is over since 2026-11-18T11:00:40Z`},
		"over, within the skew":     {members{"exp": now - 30}, nil, "", ""},
		"over, beyond the skew":     {members{"exp": now - 31}, nil, "exp", "is over"},
		"a skew of a minute":        {members{"exp": now - 60, "iat": now + 60}, skew(minute), "", ""},
		"a skew of an hour is cut":  {members{"exp": now - 301}, skew(hour), "exp", ""},
		"a skew below zero":         {members{"exp": now - 30}, skew(-hour), "", ""},
		"exp with a fraction":       {members{"exp": raw("1795000000.25")}, nil, "", ""},
		"exp with an exponent":      {members{"exp": raw("1.795e9")}, nil, "", ""},
		"exp as a string":           {members{"exp": "1795000300"}, nil, "exp", `"exp" is not a number`},
		"exp null":                  {members{"exp": raw("null")}, nil, "exp", "not a number"},
		"exp 0":                     {members{"exp": 0}, nil, "exp", "is over since 1970"},
		"exp below zero":            {members{"exp": -1}, nil, "exp", "before 1970"},
		"exp 1e300":                 {members{"exp": raw("1e300")}, nil, "exp", "after the year 9999"},
		"exp 1e999":                 {members{"exp": raw("1e999")}, nil, "exp", "after the year 9999"},
		"exp 2^63":                  {members{"exp": raw("9223372036854775808")}, nil, "exp", "after the year 9999"},
		"exp in milliseconds":       {members{"exp": now * 1000}, nil, "exp", "a date is in seconds"},
		"exp in the year 9999":      {members{"exp": 253402300799}, nil, "", ""},
		"no iat":                    {members{"iat": nil}, nil, "iat", `"iat" is missing`},
		"iat within the skew":       {members{"iat": now + 30}, nil, "", ""},
		"iat in the future":         {members{"iat": now + 31}, nil, "iat", `"iat" is 2026-11-18T11:07:11Z, and it is only`},
		"iat 1e300":                 {members{"iat": raw("1e300")}, nil, "iat", "after the year"},
		"iat an hour ago":           {members{"iat": now - 3600}, func(e *Expected) { e.Fresh = true }, "", ""},
		"iat a year ago, looked at": {members{"iat": now - 365*86400}, nil, "", ""},
		"iat a week ago":            {members{"iat": now - 7*86400}, func(e *Expected) { e.Fresh = true }, "iat", "long before this sign-in"},
		"s_hash of another state":   {members{"s_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}, func(e *Expected) { e.State = "a-state" }, "s-hash", "not the hash of the state"},
		"s_hash as a number":        {members{"s_hash": 1}, func(e *Expected) { e.State = "a-state" }, "s-hash", "is no text"},
		"s_hash without a state":    {members{"s_hash": "x"}, nil, "", ""},
		"iat as a string":           {members{"iat": "now"}, nil, "iat", "not a number"},
		"nbf passed":                {members{"nbf": now + 30}, nil, "", ""},
		"nbf in the future":         {members{"nbf": now + 31}, nil, "nbf", `"nbf" is`},
		"nbf as a string":           {members{"nbf": "0"}, nil, "nbf", `"nbf" is not a number`},
		"unasked, odd auth_time":    {members{"auth_time": "x"}, nil, "", ""},
		"auth_time within max_age":  {members{"auth_time": now - 3630}, maxAge(&hour), "", ""},
		"auth_time beyond max_age":  {members{"auth_time": now - 3631}, maxAge(&hour), "auth-time", "longer ago than max_age"},
		"no auth_time":              {nil, maxAge(&hour), "auth-time", `"auth_time" is missing`},
		"auth_time in the future":   {members{"auth_time": now + 31}, maxAge(&hour), "auth-time", "only"},
		"auth_time as a string":     {members{"auth_time": "0"}, maxAge(&hour), "auth-time", "not a number"},
		"auth_time 0 and max_age 0": {members{"auth_time": 0}, maxAge(new(time.Duration)), "auth-time", "longer ago"},

		"another nonce":             {members{"nonce": nonce + "1"}, nil, "nonce", `"nonce" is not the one that was sent`},
		"an empty nonce":            {members{"nonce": ""}, nil, "nonce", "not the one"},
		"no nonce":                  {members{"nonce": nil}, nil, "nonce", `"nonce" is missing`},
		"a nonce in an array":       {members{"nonce": []string{nonce}}, nil, "nonce", `"nonce" is not a string`},
		"a nonce nobody sent":       {nil, func(e *Expected) { e.Nonce = "" }, "", ""},
		"at_hash":                   {members{"at_hash": atHash}, nil, "", ""},
		"a wrong at_hash":           {members{"at_hash": atHash + "1"}, nil, "at-hash", `"at_hash" is not the hash of the access token`},
		"an at_hash of the code":    {members{"at_hash": cHash}, nil, "at-hash", ""},
		"an empty at_hash":          {members{"at_hash": ""}, nil, "at-hash", ""},
		"an at_hash that is null":   {members{"at_hash": raw("null")}, nil, "at-hash", "not a string"},
		"at_hash without a token":   {members{"at_hash": "x"}, func(e *Expected) { e.AccessToken = secret.String{} }, "", ""},
		"c_hash":                    {members{"c_hash": cHash}, nil, "", ""},
		"a wrong c_hash":            {members{"c_hash": cHash + "1"}, nil, "c-hash", `"c_hash" is not the hash of the code`},
		"both in the front channel": {members{"at_hash": atHash, "c_hash": cHash}, front, "", ""},
		"none in the front channel": {nil, front, "at-hash c-hash", `"at_hash" is missing`},
		"code id_token": {members{"c_hash": cHash}, func(e *Expected) {
			e.FrontChannel, e.AccessToken = true, secret.String{}
		}, "", ""},
		"all wrong at once": {members{"iss": "x", "sub": nil, "aud": "y", "exp": 1, "iat": now * 2, "nonce": "n"}, nil,
			"iss sub aud exp iat nonce", ""},
		"unknown and hostile claims": {members{"_claim_sources": members{"s": members{"endpoint": "http://169.254.169.254/"}}, "\x1b[2J": "\u202e"}, nil, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goodExpected()
			if c.e != nil {
				c.e(&e)
			}
			token := sign(goodHeader(), must(json.Marshal(merged(goodClaims(), c.with))))
			claims, rungs, err := Verify(t.Context(), secret.New(token), e)
			check(t, claims, rungs, err, c.want, c.words)
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	payload := must(json.Marshal(goodClaims()))
	with := func(m members) string { return sign(merged(goodHeader(), m), payload) }
	of := func(payload string) string { return sign(goodHeader(), []byte(payload)) }
	algs := func(a ...string) func(*Expected) { return func(e *Expected) { e.Algs = a } }
	good := with(nil)
	cut := strings.LastIndexByte(good, '.')
	atHash := string(must(json.Marshal(merged(goodClaims(), members{"at_hash": "x"}))))
	cases := map[string]struct {
		token string
		e     func(*Expected)
		want  string
		words string
	}{
		"RS256, the default":       {with(members{"alg": "RS256", "kid": "r"}), algs(), "", ""},
		"PS256":                    {with(members{"alg": "PS256", "kid": "r"}), algs("PS256"), "", ""},
		"EdDSA":                    {with(members{"alg": "EdDSA", "kid": "d"}), algs("EdDSA"), "", ""},
		"HS256":                    {with(members{"alg": "HS256", "kid": nil}), algs("HS256"), "", ""},
		"HS256 with any kid":       {with(members{"alg": "HS256", "kid": "r"}), algs("HS256"), "", ""},
		"no kid":                   {with(members{"kid": nil}), nil, "", ""},
		"no typ":                   {with(members{"typ": nil}), nil, "", ""},
		"a typ of no meaning":      {with(members{"typ": "jose"}), nil, "", ""},
		"an access token":          {with(members{"typ": "at+jwt"}), nil, "typ", `typ "at+jwt" is that of another kind`},
		"a logout token":           {with(members{"typ": "application/Logout+JWT"}), nil, "typ", "another kind"},
		"crit":                     {with(members{"crit": []string{"x"}, "x": 1}), nil, "crit", "not understood"},
		"b64":                      {with(members{"b64": false}), nil, "crit", "b64"},
		"none":                     {with(members{"alg": "none"}), algs("none", "ES256"), "algorithm", "nobody signed"},
		"None":                     {with(members{"alg": "NONE"}), nil, "algorithm", "nobody signed"},
		"no alg":                   {with(members{"alg": nil}), nil, "algorithm", "no alg"},
		"another algorithm":        {with(members{"alg": "RS256", "kid": "r"}), nil, "algorithm", `alg "RS256" is not allowed here, only ES256`},
		"HMAC where ES256 is due":  {with(members{"alg": "HS256"}), nil, "algorithm", "only ES256"},
		"HMAC without a secret":    {with(members{"alg": "HS256"}), func(e *Expected) { e.Algs, e.ClientSecret = []string{"HS256"}, secret.String{} }, "key", "needs the client secret"},
		"HMAC with another secret": {with(members{"alg": "HS256"}), func(e *Expected) { e.Algs, e.ClientSecret = []string{"HS256"}, secret.New("other") }, "signature", "does not match the client secret"},
		"an unknown algorithm and at_hash": {sign(members{"alg": "ES256K"}, []byte(atHash)), algs("ES256K"),
			"algorithm at-hash", `alg "ES256K" is unknown`},
		"an unknown kid":           {with(members{"kid": "x"}), nil, "key", `has the kid "x"`},
		"a kid of another type":    {with(members{"kid": "r"}), nil, "key", `its kty is "RSA", not EC`},
		"a weak key":               {with(members{"alg": "RS256", "kid": "weak"}), algs("RS256"), "key", "1024 bits, fewer than 2048"},
		"no keys at all":           {good, func(e *Expected) { e.Keys = nil }, "key", "of 0 keys none"},
		"a changed signature":      {good[:cut+1] + b64(make([]byte, 64)), nil, "signature", "does not match the key"},
		"a changed payload":        {strings.Replace(good, b64(payload), b64(bytes.Replace(payload, []byte("alice"), []byte("mallo"), 1)), 1), nil, "signature", ""},
		"nothing":                  {"", nil, "form", "the token is empty"},
		"an opaque token":          {"abc", nil, "form", "1 parts, not three"},
		"white space":              {good + "\n", nil, "form", "line breaks"},
		"encrypted":                {"a.b.c.d.e", nil, "encryption", "encrypted, and nobody asked for that"},
		"claims that are an array": {of("[]"), nil, "claims", "not a JSON object"},
		"claims that are null":     {of("null"), nil, "claims", "it is null"},
		"no claims":                {of(""), nil, "claims", "it is empty"},
		"a repeated claim":         {of(`{"sub":"alice","sub":"bob"}`), nil, "claims", `"sub" is repeated`},
		"claims not in UTF-8":      {of("{\"sub\":\"\xff\"}"), nil, "claims", "UTF-8"},
		"an empty object":          {of("{}"), nil, "iss sub aud exp iat nonce", `"iss" is missing`},
		"claims in capitals":       {of(`{"ISS":"` + issuer + `"}`), nil, "iss sub aud exp iat nonce", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goodExpected()
			if c.e != nil {
				c.e(&e)
			}
			claims, rungs, err := Verify(t.Context(), secret.New(c.token), e)
			check(t, claims, rungs, err, c.want, c.words)
		})
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	prior := &Claims{Issuer: issuer, Subject: "alice", Audience: []string{clientID}, IssuedAt: time.Unix(now-600, 0), AuthTime: time.Unix(now-700, 0), Nonce: nonce}
	cases := map[string]struct {
		with        members
		e           func(*Expected)
		want, words string
	}{
		"as it should be":       {members{"nonce": nil}, nil, "", ""},
		"the same nonce":        {nil, nil, "", ""},
		"the same auth_time":    {members{"auth_time": now - 700}, nil, "", ""},
		"max_age is over":       {nil, func(e *Expected) { e.MaxAge = new(time.Duration) }, "", ""},
		"iat within the skew":   {members{"iat": now - 630}, nil, "", ""},
		"another nonce":         {members{"nonce": "x"}, nil, "refresh-nonce", "not that of the login"},
		"a nonce in an array":   {members{"nonce": []string{nonce}}, nil, "refresh-nonce", "not a string"},
		"another sub":           {members{"sub": "bob"}, nil, "refresh-sub", `"sub" was "alice" at the login and is "bob" now`},
		"another iss":           {members{"iss": issuer + "1"}, nil, "iss refresh-iss", ""},
		"iss changed with us":   {members{"iss": issuer + "1"}, func(e *Expected) { e.Issuer += "1" }, "refresh-iss", ""},
		"another aud":           {members{"aud": "other"}, nil, "aud", ""},
		"an old iat":            {members{"iat": now - 631}, nil, "refresh-iat", "older than at the login"},
		"no iat":                {members{"iat": nil}, nil, "iat", ""},
		"another auth_time":     {members{"auth_time": now}, nil, "refresh-auth-time", "not that of the login"},
		"auth_time a string":    {members{"auth_time": "x"}, nil, "refresh-auth-time", "not a number"},
		"an azp out of nowhere": {members{"azp": clientID}, nil, "refresh-azp", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goodExpected()
			e.Nonce, e.Prior = "", prior
			if c.e != nil {
				c.e(&e)
			}
			token := sign(goodHeader(), must(json.Marshal(merged(goodClaims(), c.with))))
			claims, rungs, err := Verify(t.Context(), secret.New(token), e)
			check(t, claims, rungs, err, c.want, c.words)
		})
	}
}

func TestKeysAreFetchedAtMostTwice(t *testing.T) {
	t.Parallel()
	payload := must(json.Marshal(goodClaims()))
	down := &fault.Error{Kind: fault.Network, ID: "keys.unreachable", Op: "fetch the keys"}
	cases := map[string]struct {
		header  members
		first   jose.Set
		fail    int // the call that fails
		calls   int
		want    string
		foreign bool
	}{
		"known at once":               {goodHeader(), keySet(), 0, 1, "", false},
		"rotated just before signing": {goodHeader(), jose.Set{}, 0, 2, "", false},
		"rotated, and no kid":         {members{"alg": "ES256"}, rotated(), 0, 2, "", false},
		"unknown for ever":            {members{"alg": "ES256", "kid": "x"}, keySet(), 0, 2, "key", false},
		"refused without a request":   {members{"alg": "RS256", "kid": "r"}, keySet(), 0, 0, "algorithm", false},
		"HMAC needs no keys":          {members{"alg": "HS256"}, keySet(), 0, 0, "algorithm", false},
		"the first fetch fails":       {goodHeader(), keySet(), 1, 1, "key", true},
		"the second fetch fails":      {goodHeader(), jose.Set{}, 2, 2, "key", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			e := goodExpected()
			e.Keys = func(_ context.Context, refetch bool) (jose.Set, error) {
				calls++
				if refetch != (calls == 2) {
					t.Errorf("call %d: got refetch = %v", calls, refetch)
				}
				switch {
				case calls == c.fail:
					return jose.Set{}, down
				case refetch:
					return keySet(), nil
				}
				return c.first, nil
			}
			claims, rungs, err := Verify(t.Context(), secret.New(sign(c.header, payload)), e)
			if calls != c.calls {
				t.Errorf("got %d calls, want %d", calls, c.calls)
			}
			if !c.foreign {
				check(t, claims, rungs, err, c.want, "")
			} else if err != error(down) || failed(rungs) != c.want {
				t.Errorf("got %v with %q, want the error as it was", err, failed(rungs))
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	token := sign(goodHeader(), must(json.Marshal(merged(goodClaims(), members{"acr": 1, "auth_time": now - 5}))))
	c, err := Decode(secret.New(token))
	if err != nil || c.Subject != "alice" || c.Acr != "" || c.AuthTime.Unix() != now-5 {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, bad := range []string{"", "a.b.c", sign(goodHeader(), []byte("[]"))} {
		if c, err := Decode(secret.New(bad)); !fault.Is(err, fault.Protocol) {
			t.Errorf("%q: got %v, %v, want a protocol fault", bad, c, err)
		}
	}
}

func TestTheTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.Name] || r.Spec == "" || r.Demand == "" || r.check == nil || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("the rule %+v is incomplete or there twice", r)
		}
		seen[r.Name] = true
	}
}

// FuzzVerify signs whatever claims come, so that the rules see them.
func FuzzVerify(f *testing.F) {
	f.Add("ES256", "e", must(json.Marshal(goodClaims())))
	f.Add("HS256", "", []byte(`{"iss":[],"sub":null,"aud":{},"exp":1e300,"iat":-0.1,"nbf":"","nonce":1,"at_hash":false,"c_hash":0}`))
	f.Add("none", "x", []byte(`{"aud":["demo",["demo"]],"exp":1e400,"auth_time":-0}`))
	hour := time.Hour
	f.Fuzz(func(t *testing.T, alg, kid string, payload []byte) {
		e := goodExpected()
		e.Algs, e.MaxAge, e.FrontChannel, e.Prior = jose.Algorithms(), &hour, true, &Claims{Issuer: issuer}
		c, rungs, err := Verify(t.Context(), secret.New(sign(members{"alg": alg, "kid": kid}, payload)), e)
		if (err == nil) != (c != nil) || (err == nil) != (failed(rungs) == "") || len(rungs) != len(Rules()) {
			t.Fatalf("got %v, %v and the failed rules %q", c, err, failed(rungs))
		}
		if err == nil && (c.Issuer != issuer || c.Nonce != nonce || alg == "none") {
			t.Fatalf("believed %s", payload)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	token := secret.New(sign(goodHeader(), must(json.Marshal(goodClaims()))))
	e, keys := goodExpected(), keySet()
	e.Keys = func(context.Context, bool) (jose.Set, error) { return keys, nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Verify(b.Context(), token, e); err != nil {
			b.Fatal(err)
		}
	}
}
