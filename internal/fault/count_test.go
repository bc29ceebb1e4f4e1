package fault

import "testing"

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 keys are", 1: "1 key is", 2: "2 keys are"} {
		if got := Count(n, "key is", "keys are"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
