package snapshot

import (
	"testing"
	"time"
)

func TestRoundTripAndOrder(t *testing.T) {
	t.Parallel()
	a := Snapshot{Issuer: "https://a.example/x", Taken: time.Unix(1700000000, 0).UTC(), Parts: map[string]Values{"metadata": {"m": "1", "n": "2"}, "findings": {"P12 x": "warning"}}}
	data, err := a.Write()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read(data)
	if err != nil || back.Issuer != a.Issuer || len(Compare(a, back)) != 0 {
		t.Fatalf("got %+v, %v", back, err)
	}
	b := Snapshot{Parts: map[string]Values{"metadata": {"n": "3", "o": "4"}}}
	want := []Difference{{"metadata", "m", "1", ""}, {"metadata", "n", "2", "3"}, {"metadata", "o", "", "4"}, {"findings", "P12 x", "warning", ""}}
	got := Compare(a, b)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	s := Snapshot{Issuer: "https://op.example/realms/x"}
	for in, want := range map[string]string{
		`"https://op.example/realms/x/token"`: "ISSUER/token", `"https://op.example/other"`: "https://HOST/other",
		`["b","a"]`: "a b", `true`: "true", `{"a": 1}`: `{"a":1}`,
	} {
		if got := s.plain([]byte(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
