package cmd

import (
	"testing"

	"rely/internal/strictjson"
)

func TestCompared(t *testing.T) {
	t.Parallel()
	id, err1 := strictjson.Object([]byte(`{"sub":"alice","email":"a@old.example","name":"\u00c5","groups":["a","b"],"nonce":"n"}`))
	access, err2 := strictjson.Object([]byte(`{"sub":"alice","email":"a@new.example","scope":"openid"}`))
	info, err3 := strictjson.Object([]byte(`{"sub":"alice","email":"a@new.example","name":"\u00C5","groups":["b","a"]}`))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	want := map[string]string{"sub": "same", "email": "differs", "name": "same", "groups": "differs", "nonce": "only", "scope": "only"}
	for _, c := range compared(id, access, info) {
		if c.Verdict != want[c.Name] {
			t.Errorf("%s: got %q, want %q", c.Name, c.Verdict, want[c.Name])
		}
		delete(want, c.Name)
	}
	if len(want) > 0 {
		t.Errorf("%v are not compared", want)
	}
}
