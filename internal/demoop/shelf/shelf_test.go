package shelf

import (
	"fmt"
	"testing"
	"time"
)

func TestShelfIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := New[int](3)
	for i := range 10 {
		s.Put(fmt.Sprint(i), i, now, now.Add(time.Duration(i+1)*time.Second))
	}
	if len(s.items) != 3 {
		t.Errorf("got %d things, want 3", len(s.items))
	}
	if _, _, ok := s.Get("9", now); !ok {
		t.Error("the newest is gone")
	}
	if _, _, ok := s.Get("9", now.Add(10*time.Second)); ok {
		t.Error("what has expired is still there")
	}
	s.Put("late", 1, now.Add(time.Hour), now.Add(2*time.Hour))
	if len(s.items) != 1 {
		t.Errorf("got %d things, want what has expired swept away", len(s.items))
	}
}
