package request

import (
	"context"
	"fmt"

	"rely/internal/useragent"
)

// Visited has the agent visit the page. A person's browser may take its time to
// come up, or never do so: after OpenWait they are told.
func (r *Request) Visited(ctx context.Context, v useragent.Visit) error {
	if !r.Person || r.OpenWait <= 0 {
		return r.Agent.Visit(ctx, v)
	}
	opening, cancel := context.WithTimeout(ctx, r.OpenWait)
	defer cancel()
	err := r.Agent.Visit(opening, v)
	if err == nil && ctx.Err() == nil && opening.Err() != nil {
		return fmt.Errorf("the program that opens the browser is still at it after %s", r.OpenWait)
	}
	return err
}
