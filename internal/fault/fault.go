// Package fault words failures for the person at the keyboard: what was being
// done, what happened, which rule was broken and one thing to try. It decides
// exit codes and nothing else; it never prints, and it knows no protocol.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// A Kind names the party that has to act next. It alone decides the exit code.
type Kind int

// These numbers are a promise to scripts (docs/reference/exit-codes.md):
// add new ones, never renumber or reuse an old one.
const (
	Internal   Kind = 1   // a bug in this program
	Usage      Kind = 2   // the flags or arguments
	Config     Kind = 3   // the profile, a key file or the token store
	Login      Kind = 4   // no usable session; the person has to sign in
	Denied     Kind = 5   // the provider, or the person at it, said no
	Protocol   Kind = 6   // the provider's answer broke a rule and was refused
	Network    Kind = 7   // the provider was not reached
	Findings   Kind = 8   // doctor or smoke found what --fail-on counts
	Unfinished Kind = 9   // nobody finished signing in in time
	Cancelled  Kind = 130 // Ctrl-C
	Terminated Kind = 143 // SIGTERM
)

// Kinds lists every kind in the order of its exit code, for help and docs.
func Kinds() []Kind {
	return []Kind{Internal, Usage, Config, Login, Denied, Protocol, Network, Findings, Unfinished, Cancelled, Terminated}
}

// String is the kind's stable name, as it stands in JSON errors.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Usage:
		return "usage"
	case Config:
		return "config"
	case Login:
		return "login"
	case Denied:
		return "denied"
	case Protocol:
		return "protocol"
	case Network:
		return "network"
	case Findings:
		return "findings"
	case Unfinished:
		return "unfinished"
	case Cancelled:
		return "cancelled"
	case Terminated:
		return "terminated"
	}
	return fmt.Sprintf("kind-%d", int(k))
}

// Meaning is the kind in one line, for the table of exit codes.
func (k Kind) Meaning() string {
	switch k {
	case Internal:
		return "a bug in rely"
	case Usage:
		return "the flags or arguments are wrong"
	case Config:
		return "the profile, a key file, a certificate or the store is wrong"
	case Login:
		return "no usable session; a person has to sign in"
	case Denied:
		return "the provider, or the person at it, said no"
	case Protocol:
		return "the provider's answer broke a rule and was refused"
	case Network:
		return "the provider was not reached, answered 5xx, or not in time"
	case Findings:
		return "doctor or smoke ran and found what --fail-on counts"
	case Unfinished:
		return "nobody finished signing in in time; the listener is closed"
	case Cancelled:
		return "stopped by Ctrl-C (SIGINT)"
	case Terminated:
		return "stopped by SIGTERM"
	}
	return ""
}

// An Error is a failure worded for the person at the keyboard. Every error
// that crosses a package boundary is one; whoever sees further may wrap it
// once more, and the outermost decides kind, hint and rule.
type Error struct {
	Kind Kind
	ID   string // stable name for scripts, as "token.invalid_grant"
	Op   string // what was being done, as "redeem the code"
	Hint string // one thing to try, as an order; never holds a secret
	Spec string // the rule that was broken, as "OIDC Core 3.1.3.7 (11)"
	Err  error  // the cause; may be nil
}

// Error is "what was being done: what happened", unescaped: whoever prints it
// escapes it, because the cause may quote strings from outside.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op
	}
	return e.Op + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// A Cause is what happened, in words that are always the same: for constants,
// which callers compare errors with. A variable would be made at every start.
type Cause string

// Error is the words.
func (c Cause) Error() string { return string(c) }

// ExitCode is the status the process leaves behind for err: 0 for nil, the
// outermost [Error]'s kind where there is one, and [Internal] for anything
// that nobody put into words.
func ExitCode(err error) int {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return int(e.Kind)
	case errors.Is(err, context.Canceled):
		return int(Cancelled)
	}
	return int(Internal)
}

// Is reports whether err is an [Error] of the given kind.
func Is(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}
