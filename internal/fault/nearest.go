package fault

import "strings"

// Nearest is the one of names that was probably meant by word, or "". Case and
// what joins the words of a name make no difference worth the name.
func Nearest(word string, names []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, name := range names {
		if d := Distance(strings.ToLower(word), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Meant is an order that ends with the nearest of names, or another one where
// none is near.
func Meant(word string, names []string, order, otherwise string) string {
	if near := Nearest(word, names); near != "" {
		return order + near
	}
	return otherwise
}

// Distance is the number of single-byte edits between two short texts; one of
// more than 80 bytes is as far away as it is long.
func Distance(a, b string) int {
	if len(a) > 80 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
