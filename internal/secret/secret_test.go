package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingPrintsTheText(t *testing.T) {
	t.Parallel()
	const text = "correct horse battery staple"
	type inner struct{ hidden String }
	v := struct {
		S String
		P *String
		I inner
		M map[string]String
	}{S: New(text), I: inner{New(text)}, M: map[string]String{"k": New(text)}}
	p := New(text)
	v.P = &p
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", &v)
		fmt.Fprintf(&out, verb+"\n", v.S)
	}
	js, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(js)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v, "s", v.S)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v, "s", v.S)
	hex := fmt.Sprintf("%x", text)
	if got := out.String(); strings.Contains(got, text) || strings.Contains(got, hex) {
		t.Fatalf("the text shows in %s", got)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	long := "0123456789abcdef"
	if a, b := New(long).Fingerprint(), Fingerprint(long); a != b {
		t.Errorf("equal secrets got %s and %s", a, b)
	}
	if got := New("hunter2").Fingerprint(); got != "[secret]" {
		t.Errorf("a short secret got the tag %s, want none", got)
	}
	if got := (String{}).Fingerprint(); got != "[empty]" {
		t.Errorf("got %s, want [empty]", got)
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	const text = "correct horse"
	s := New(text)
	same, shown := s, s.Reveal()
	s.Wipe()
	if !same.Empty() || strings.Trim(shown, "\x00") != "" {
		t.Errorf("left after wiping: %q, %q", same.Reveal(), shown)
	}
	if text != "correct horse" {
		t.Error("what New was given is not ours to wipe")
	}
	String{}.Wipe()
}
