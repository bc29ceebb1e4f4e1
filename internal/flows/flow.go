// Package flows obtains tokens, one file for each way. A flow talks to the
// provider and checks everything that it answers; it keeps nothing, prints
// nothing, and knows neither profiles nor the command line.
package flows

import (
	"context"
	"fmt"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/provider"
)

// What flows take and give, named here for those who call them.
type (
	Request      = request.Request
	Tokens       = request.Tokens
	Announcement = request.Announcement
	LadderError  = request.LadderError
)

// A Flow is one way of obtaining tokens.
type Flow interface {
	// Possible says why this provider cannot do it, as a Config fault; nil
	// where nothing in its metadata speaks against it.
	Possible(m *provider.Metadata) error
	// Run obtains the tokens and has them kept (see [Request.Keep]). Every
	// error is a fault; none has changed anything.
	Run(ctx context.Context, r *Request) (*Tokens, error)
}

// An Entry is a flow and what help and docs say of it.
type Entry struct {
	Name   string // the value of --flow
	Grant  string // grant_type at the token endpoint
	Help   string
	Person bool // a person, or a robot in its place, has to walk a login page
	Flow   Flow
}

func impossible(flow string, why error) error {
	return &fault.Error{
		Kind: fault.Config, ID: "flow.impossible", Op: fmt.Sprintf("use the flow %s", flow), Err: why,
		Hint: "choose another --flow, or have the provider offer this one",
	}
}
