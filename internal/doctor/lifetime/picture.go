package lifetime

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"rely/internal/fault"
)

// Words is a duration for a person, in at most two units.
func Words(d time.Duration) string {
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	if d = d.Round(100 * time.Millisecond); d < 10*time.Second && d%time.Second != 0 {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	for n, u := range units {
		if d < u.of && n < len(units)-1 {
			continue
		}
		out := fmt.Sprintf("%d %s", d/u.of, u.name)
		if rest := d % u.of; n < len(units)-1 && rest >= units[n+1].of {
			out += fmt.Sprintf(" %d %s", rest/units[n+1].of, units[n+1].name)
		}
		return out
	}
	return ""
}

// A row is one line of the picture.
type row struct {
	label  string
	span   *Span
	stated time.Duration // the longest; 0: nothing is stated
	text   string
}

// rows are what the picture shows.
func (r *Result) rows() []row {
	longest := func(of string) (time.Duration, []string) {
		var life time.Duration
		var words []string
		for _, s := range r.Stated {
			switch {
			case s.Of != of:
			case s.Never:
				words = append(words, s.By+" says that there is no end")
			default:
				life = max(life, s.Life)
				words = append(words, s.By+" "+Words(s.Life))
			}
		}
		return life, words
	}
	var out []row
	id, words := longest("id_token")
	for _, s := range r.Spans {
		stated, said := longest(map[string]string{AccessToken: "access_token", Idle: "refresh_token"}[s.Name])
		out = append(out, row{s.What, &s, stated, strings.Join(append([]string{s.Words()}, said...), "; ")})
		if s.Name == AccessToken && id > 0 {
			out = append(out, row{"ID token", nil, id, strings.Join(words, "; ")})
		}
	}
	return out
}

// Words is what was seen.
func (s *Span) Words() string {
	switch {
	case s.NotRun != "":
		return "not measured: " + s.NotRun
	case s.Dead > 0 && s.Alive == 0:
		return "refused at once"
	case s.Dead > 0:
		return "alive after " + Words(s.Alive) + ", dead after " + Words(s.Dead)
	case s.Alive == 0:
		return "not seen"
	}
	return "at least " + Words(s.Alive)
}

// scale is the longest time of the picture.
func scale(rows []row) time.Duration {
	most := 10 * time.Second
	for _, r := range rows {
		most = max(most, r.stated)
		if r.span != nil {
			most = max(most, r.span.Alive, r.span.Dead)
		}
	}
	return most
}

// place is where a time lies, from 0 to 1: the axis is logarithmic, since a
// grace of seconds and a session of weeks are to be seen side by side.
func place(d, most time.Duration) float64 {
	return math.Log1p(d.Seconds()) / math.Log1p(most.Seconds())
}

// ticks are the marks of the axis.
func ticks(most time.Duration) []time.Duration {
	var out []time.Duration
	for _, t := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
		30 * 24 * time.Hour, 365 * 24 * time.Hour} {
		if t <= most {
			out = append(out, t)
		}
	}
	return out
}

// Text is the picture for a terminal, that many characters wide.
func (r *Result) Text(width int) string {
	const label = 25
	rows := r.rows()
	most, bar := scale(rows), max(20, width-label)
	var b strings.Builder
	axis, names := []byte(strings.Repeat("-", bar+1)), []byte(strings.Repeat(" ", bar+12))
	free := 0
	for _, t := range ticks(most) {
		x := int(place(t, most) * float64(bar))
		axis[x] = '+'
		if at := max(0, x-len(Words(t))/2); at >= free {
			copy(names[at:], Words(t))
			free = at + len(Words(t)) + 1
		}
	}
	fmt.Fprintf(&b, "%-*s%s\n%-*s%s\n", label, "", strings.TrimRight(string(names), " "), label, "", axis)
	for _, w := range rows {
		fmt.Fprintf(&b, "%s\n%-*s%s\n", strings.TrimRight(fmt.Sprintf("%-*s%s", label, w.label, w.bar(most, bar)), " "), label, "", fault.VisibleUpTo(w.text, 300))
	}
	fmt.Fprintf(&b, "%-*s# seen alive  > no end seen  ? the end is in here  - stated  | stated end\n", label, "")
	return b.String()
}

func (w row) bar(most time.Duration, width int) string {
	line := []byte(strings.Repeat(" ", width+1))
	fill := func(from, to float64, c byte) {
		for x := int(from * float64(width)); x < int(to*float64(width)); x++ {
			line[x] = c
		}
	}
	if w.stated > 0 {
		end := place(w.stated, most)
		fill(0, end, '-')
		line[int(end*float64(width))] = '|'
	}
	if s := w.span; s != nil && s.NotRun == "" {
		fill(0, place(s.Alive, most), '#')
		if s.Dead > 0 {
			fill(place(s.Alive, most), place(s.Dead, most), '?')
		} else if s.Alive > 0 {
			line[int(place(s.Alive, most)*float64(width))] = '>'
		}
	}
	return strings.TrimRight(string(line), " ")
}

// SVG is the picture for a page. It needs no script and no font of its own, and
// takes the reader's light or dark colours.
func (r *Result) SVG(title string) string {
	const left, width, step, top = 190.0, 640.0, 44.0, 70.0
	rows := r.rows()
	most := scale(rows)
	height := top + step*float64(len(rows)) + 40
	var b strings.Builder
	title = html.EscapeString(fault.Visible(title))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 %.0f" role="img" aria-labelledby="t" font-family="system-ui, sans-serif" font-size="13">
<title id="t">%s</title>
<style>
.back{fill:#fff}.ink{fill:#1b1b1b}.soft{fill:#5c5c5c}.line{stroke:#d0d0d0}.alive{fill:#1f7a4d}.maybe{fill:#d9a400}.stated{fill:none;stroke:#5c5c5c;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){.back{fill:#161616}.ink{fill:#f0f0f0}.soft{fill:#a8a8a8}.line{stroke:#3c3c3c}.alive{fill:#4cc38a}.maybe{fill:#ffd24d}.stated{stroke:#a8a8a8}}
</style>
<rect class="back" width="860" height="%.0f"/>
<text class="ink" x="16" y="28" font-size="16">%s</text>
`, height, title, height, title)
	for _, t := range ticks(most) {
		x := left + width*place(t, most)
		fmt.Fprintf(&b, "<line class=\"line\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/><text class=\"soft\" x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\" font-size=\"11\">%s</text>\n",
			x, x, top-10, height-30, x, top-16, Words(t))
	}
	for n, w := range rows {
		w.svg(&b, top+step*float64(n), func(d time.Duration) float64 { return left + width*place(d, most) })
	}
	fmt.Fprintf(&b, `<text class="soft" x="16" y="%.0f" font-size="11">filled: seen alive; yellow: the end is in here; an arrow: no end was seen; dashed: what the provider states</text>
</svg>
`, height-10)
	return b.String()
}

func (w row) svg(b *strings.Builder, y float64, x func(time.Duration) float64) {
	fmt.Fprintf(b, "<text class=\"ink\" x=\"16\" y=\"%.0f\">%s</text>\n", y+13, html.EscapeString(w.label))
	rect := func(class string, from, to float64) {
		fmt.Fprintf(b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"16\" rx=\"2\"/>\n", class, from, y, max(to-from, 1))
	}
	if w.stated > 0 {
		rect("stated", x(0), x(w.stated))
	}
	if s := w.span; s != nil && s.NotRun == "" {
		if s.Alive > 0 {
			rect("alive", x(0), x(s.Alive))
		}
		if s.Dead > 0 {
			rect("maybe", x(s.Alive), x(s.Dead))
		} else if s.Alive > 0 {
			fmt.Fprintf(b, "<path class=\"alive\" d=\"M%.1f %.0fl9 8l-9 8z\"/>\n", x(s.Alive), y)
		}
	}
	fmt.Fprintf(b, "<text class=\"soft\" x=\"190\" y=\"%.0f\" font-size=\"11\">%s</text>\n", y+29, html.EscapeString(fault.VisibleUpTo(w.text, 300)))
}
