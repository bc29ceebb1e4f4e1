package expect

import (
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

const about = `{"sub":"alice","email":"alice@demo.example","email_verified":true,"age":30,"score":1.5,"groups":["admin","dev",7],
	"address":{"country":"GB","lines":["1 Deanery Garden",{"a":null}]},"https://api.example/roles":["r"],"nothing":null,"exp":1000600,"odd":"now","quoted":"true"}`

func TestCheck(t *testing.T) {
	t.Parallel()
	claims, err := strictjson.Object([]byte(about))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"email_verified==true": true, "email_verified == true": true, `email_verified=="true"`: false, "email_verified!=false": true,
		"quoted==true": false, `quoted=="true"`: true,
		"sub==alice": true, `sub=="alice"`: true, "sub==Alice": false, "sub!=mallory": true, "sub!=alice": false,
		"age==30": true, "age==30.0": true, "age==3e1": true, `age=="30"`: false, "age>29": true, "age>=30": true, "age<30": false, "age<=30": true, "score<2": true,
		"sub>1": false, "groups contains admin": true, "groups contains 7": true, `groups contains "7"`: false, "groups contains ops": false,
		"email contains @demo": true, "address contains country": true, "address contains city": false, "age contains 3": false,
		`email=~@demo\.example$`: true, `email =~ ^bob`: false, `email!~^bob`: true, `age=~3`: false, `age!~3`: false,
		"address.country==GB": true, "address.lines[0] contains Garden": true, "address.lines[1].a==null": true, "address.lines[2] exists": false,
		"address.lines[9] missing": true, "groups[0]==admin": true, `groups==["admin","dev",7]`: true, `groups==["dev","admin",7]`: false,
		`"https://api.example/roles" contains r`: true, `"https://api.example/roles"[0]==r`: true,
		`address=={"lines":["1 Deanery Garden",{"a":null}],"country":"GB"}`: true,
		"nothing exists": true, "nothing==null": true, "nothing missing": false, "nobody missing": true, "nobody exists": false,
		// A name that is not there never fits.
		"nobody==null": false, "nobody!=x": false, "nobody!~x": false, "nobody<1": false, "sub.x!=1": false, "sub[0]!=1": false,
		"exp>now": true, "exp>now+5m": true, "exp<now+5m": false, "exp > now + 11m": false, "exp<=now+10m": true, "odd==now": true,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := e.Check(claims, time.Unix(1_000_000, 0))
		if got.Holds != want {
			t.Errorf("%s: got %v (%s), want %v", text, got.Holds, got.Why, want)
		}
		if !got.Holds && got.Actual == "" && got.Why == "" {
			t.Errorf("%s: got neither the claim nor a reason", text)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"": "name is missing", "email": "no comparison behind", "==x": "name is missing", "email=x": `"=x" is no comparison`, "email==": "nothing behind",
		"email exists yes": "takes nothing", "emailexists": "no comparison", "a[b]==1": "no number", "a[0==1": "no number", "a[-1]==1": "no number", "a.==1": "name is missing",
		`"a==1`: "does not end", `""==1`: "empty", "a=~(": "regular expression", "a<b": "compares numbers", "exp<now+soon": "no moment", "exp>nowadays": "no moment",
		`a=="b`: "begins as JSON", "a==[1": "begins as JSON", "a containsx": "no comparison", strings.Repeat("a", MaxLength) + "==1": "more than",
	} {
		_, err := Parse(text)
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40s: got %v, want a usage fault with %q", text, err, why)
		}
	}
}

func FuzzExpect(f *testing.F) {
	for _, s := range []string{"a==1", `"x y".b[0] contains "z"`, "exp<now-1h", "a =~ ^.$", "a missing"} {
		f.Add(s, about)
	}
	f.Fuzz(func(t *testing.T, text, claims string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		if all, err := strictjson.Object([]byte(claims)); err == nil {
			_ = e.Check(all, time.Unix(0, 0))
		}
	})
}
