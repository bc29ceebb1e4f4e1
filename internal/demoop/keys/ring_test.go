package keys

import "testing"

func TestRing(t *testing.T) {
	t.Parallel()
	r, err := NewRing()
	if err != nil {
		t.Fatal(err)
	}
	sign := func() string {
		k, err := r.For("ES256")
		if err != nil {
			t.Fatal(err)
		}
		token, err := k.Sign(map[string]any{"alg": k.Alg, "kid": k.Kid}, map[string]any{"sub": "alice"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	before := sign()
	for range 5 {
		if err := r.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Verify(sign()); err != nil {
		t.Errorf("got %v for a token of today", err)
	}
	if _, err := r.Verify(before); err == nil {
		t.Error("got no error for a token whose key is long gone")
	}
	set, err := r.JWKs()
	count := map[any]int{}
	for _, k := range set {
		count[k["alg"]]++
		if k["d"] != nil || k["use"] != "sig" {
			t.Errorf("got the key %v, want a public one", k)
		}
	}
	for _, alg := range Algs() {
		want := 1
		if alg == "ES256" {
			want += kept
		}
		if err != nil || count[alg] != want {
			t.Errorf("got %d keys for %s and %v, want %d", count[alg], alg, err, want)
		}
	}
}

func TestEveryAlgorithmSigns(t *testing.T) {
	t.Parallel()
	for _, alg := range Algs() {
		k, err := New(alg, 0)
		if err != nil {
			t.Fatal(err)
		}
		token, err := k.Sign(map[string]any{"alg": alg}, map[string]any{"a": 1})
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := k.Verify(token); err != nil || string(payload) != `{"a":1}` {
			t.Errorf("%s: got %s and %v", alg, payload, err)
		}
	}
	if _, err := New("none", 0); err == nil {
		t.Error("got a key for none")
	}
}
