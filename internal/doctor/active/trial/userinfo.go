package trial

import (
	"context"
	"net/http"
	"strings"

	"rely/internal/wire"
)

// UserInfo asks for the claims; ok reports whether they are about the person
// who signed in.
func (p *Patient) UserInfo(ctx context.Context, method string, g *Grant) (a *wire.Answer, ok bool, err error) {
	address, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return nil, false, err
	}
	a, err = p.Send(ctx, method, address, nil, http.Header{"Authorization": {"Bearer " + g.Access}})
	if err != nil {
		return nil, false, err
	}
	if strings.Contains(a.Header.Get("Content-Type"), "jwt") { // signed: rely userinfo reads it
		return a, a.Status == 200, nil
	}
	sub, _ := Text(a, "sub")
	return a, a.Status == 200 && (sub == g.Subject || g.Subject == ""), nil
}
