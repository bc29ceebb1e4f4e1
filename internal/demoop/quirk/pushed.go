package quirk

import (
	"maps"
	"net/http"
)

// pushed lists lies and liberties of the pushed authorization response.
func pushed() []Fault {
	const answer = "RFC 9126 2.2"
	all := append(group("pushed", "login", 6,
		Fault{Name: "par-no-request-uri", Help: "the answer has no request_uri", Rule: answer, Pushed: lacks("request_uri")},
		Fault{Name: "par-no-expires-in", Help: "the answer does not say how long the request_uri lives", Rule: answer, Pushed: lacks("expires_in")},
		Fault{Name: "par-expired", Help: "the request_uri has run out at once", Rule: answer, Pushed: metadata("expires_in", 0)},
		Fault{Name: "par-expires-in-text", Help: "the lifetime of the request_uri is a word", Rule: answer, Pushed: metadata("expires_in", "soon")},
		Fault{Name: "par-http-request-uri", Help: "the request_uri is an http address", Rule: answer, Pushed: metadata("request_uri", "http://op.example/r/1")},
		Fault{Name: "par-javascript-request-uri", Help: "the request_uri is a javascript: address", Rule: answer, Pushed: metadata("request_uri", "javascript:alert(1)")},
		Fault{Name: "par-escape-request-uri", Help: "the request_uri has escape sequences", Rule: answer, Pushed: metadata("request_uri", "urn:x:\x1b[2J")},
		Fault{Name: "par-html", Help: "the answer is a web page", Rule: ruleJSON, On: Push, Serve: html},
		Fault{Name: "par-redirect", Help: "the endpoint is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: Push,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/par")},
		Fault{Name: "par-500", Help: "the endpoint answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Push, Serve: unavailable},
	), group("good", "login", 0,
		Fault{Name: "good-par-200", Help: "the answer has status 200 where it should be 201", On: Push, Serve: func(x *Exchange) {
			r := &recorded{header: http.Header{}}
			x.Good.ServeHTTP(r, x.R)
			maps.Copy(x.W.Header(), r.header)
			x.W.WriteHeader(r.code - r.code%100)
			_, _ = x.W.Write(r.Bytes())
		}},
	)...)
	for i := range all {
		all[i].Needs = "par"
	}
	return all
}
