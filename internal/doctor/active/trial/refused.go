package trial

import (
	"context"
	"errors"

	"rely/internal/fault"
)

// unwelcome says what became of a sign-in that ended with a fault of that ID.
func unwelcome(id string) string {
	switch id {
	case "useragent.password-refused":
		return "the provider refused the user name or password"
	case "useragent.code-refused":
		return "the provider refused the one-time code"
	case "useragent.page":
		return "the robot does not know what to do with a page of the sign-in"
	}
	return "the sign-in did not succeed"
}

// NobodySignedIn is why all sign-ins of the run failed; nil where one brought
// something, or no check needed one. Where the checks that were chosen cannot
// tell, a robot makes a good sign-in; a person is not asked again for that.
func (p *Patient) NobodySignedIn(ctx context.Context) error {
	switch {
	case p.Dry != nil, !p.wanted, ctx.Err() != nil, len(p.Seen["access token"]) > 0:
		return nil
	case p.turnedAway != nil && !p.signedIn:
		return p.turnedAway
	case p.bad != nil:
		return p.bad
	case p.denied != nil && len(p.Seen["code"]) == 0:
		return p.denied
	case len(p.Seen["code"]) > 0, p.gate.spent() != nil, p.Person != nil:
		return nil
	}
	_, err := p.Whole(ctx)
	if p.gate.spent() != nil {
		return nil // the checks say so
	}
	return err
}

// stopped is the ID of why a walk ended; empty where it came to its end.
func stopped(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.ID
	}
	return ""
}
