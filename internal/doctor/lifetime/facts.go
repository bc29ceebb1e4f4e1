package lifetime

import "time"

// Facts are the things that are no lifetime, in sentences.
func (r *Result) Facts() []string {
	var out []string
	say := func(what *bool, yes, no string) {
		if what != nil && *what && yes != "" {
			out = append(out, yes)
		} else if what != nil && !*what && no != "" {
			out = append(out, no)
		}
	}
	say(r.Rotates, "A renewal brings another refresh token (they rotate).", "A renewal brings no other refresh token (they do not rotate).")
	if g := r.span(Grace); g != nil && g.NotRun == "" {
		switch {
		case g.Dead == 0:
			out = append(out, "An old refresh token is still good after "+Words(g.Alive)+".")
		case g.Alive == 0 && g.Dead < 2*time.Second:
			out = append(out, "An old refresh token is refused at once.")
		default:
			out = append(out, "An old refresh token is good for a grace of at least "+Words(g.Alive)+" and less than "+Words(g.Dead)+".")
		}
	}
	say(r.FamilyEnds, "Its use ends the newest refresh token too (RFC 9700 4.14.2).", "Its use leaves the newest refresh token alive.")
	moves := "A renewal moves the end of the refresh token: a session in use goes on."
	if a := r.span(Absolute); a != nil && a.Dead > 0 {
		moves = "A renewal moves the end of the refresh token, but a session in use ends all the same."
	}
	say(r.Slides, moves, "A renewal leaves the end of the refresh token where it was: the session ends then.")
	say(r.OldAccess, "The old access token lives on after a renewal.", "A renewal ends the old access token.")
	return out
}

func (r *Result) span(name string) *Span {
	for i := range r.Spans {
		if r.Spans[i].Name == name {
			return &r.Spans[i]
		}
	}
	return nil
}
