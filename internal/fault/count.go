package fault

import "strconv"

// Count is a number of things in words, and what they do: Count(1, "check
// passed", "checks passed").
func Count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}
