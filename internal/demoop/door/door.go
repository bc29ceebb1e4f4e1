// Package door lets those into the embedded provider who may: callers on this
// machine that ask for it by its own name.
package door

import (
	"fmt"
	"net/http"
	"strings"

	"rely/internal/demoop/redirect"
	"rely/internal/demoop/reply"
)

// Answer lets a caller into the house of this host, or refuses politely, also
// a browser that was sent here under another host's name (DNS rebinding).
func Answer(w http.ResponseWriter, r *http.Request, host string, house http.Handler, log func(string)) {
	rec := &reply.Recorder{ResponseWriter: w}
	switch {
	case !redirect.FromHere(r.RemoteAddr):
		reply.Plain(http.StatusForbidden, "this demo provider answers callers on its own machine only")(rec)
	case !strings.EqualFold(r.Host, host):
		reply.Plain(http.StatusMisdirectedRequest, "this demo provider answers under the host name of its issuer only")(rec)
	default:
		house.ServeHTTP(rec, r)
	}
	if rec.Code == 0 {
		rec.Code = http.StatusOK
	}
	// The path is printable already, except for what percent-encoding hid.
	log(fmt.Sprintf("%s %s %d", r.Method, r.URL.EscapedPath(), rec.Code))
}
