// Package reply words answers of the provider. It decides nothing.
package reply

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// A Reply is an answer that is decided and only has to be sent.
type Reply func(w http.ResponseWriter)

// Object answers with JSON that is not to be kept.
func Object(code int, v any) Reply {
	return func(w http.ResponseWriter) {
		b, err := json.Marshal(v)
		if err != nil {
			http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "no-store")
			h.Set("Pragma", "no-cache")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(code)
		_, _ = w.Write(b)
	}
}

// JWT answers with a token that is not to be kept. What is no token any more,
// because of a fault, goes out as what it looks like.
func JWT(text string) Reply {
	return func(w http.ResponseWriter) {
		kind := "application/jwt"
		if strings.HasPrefix(text, "{") {
			kind = "application/json"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, text)
	}
}

// With adds a header line to an answer.
func With(name, value string, r Reply) Reply {
	return func(w http.ResponseWriter) {
		w.Header().Add(name, value)
		r(w)
	}
}

// Refuse is an error object (RFC 6749 5.2).
func Refuse(code int, id, description string) Reply {
	return Object(code, map[string]string{"error": id, "error_description": description})
}

// Plain is a line of text.
func Plain(code int, words string) Reply {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, words+"\n")
	}
}

// Empty has no body.
func Empty(code int) Reply {
	return func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
	}
}

// To sends the browser on with a GET.
func To(uri string) Reply {
	return func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Location", uri)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		w.WriteHeader(http.StatusSeeOther)
	}
}

// Challenge is a refusal of RFC 6750 3. Without a token it says nothing about
// what went wrong.
func Challenge(code int, id, why string) Reply {
	if id == "" {
		return With("WWW-Authenticate", `Bearer realm="demo provider"`, Empty(code))
	}
	return With("WWW-Authenticate", `Bearer realm="demo provider", error="`+id+`", error_description="`+why+`"`, Refuse(code, id, why))
}

// A Recorder remembers the status of an answer, for the log.
type Recorder struct {
	http.ResponseWriter
	Code int
}

// WriteHeader implements [http.ResponseWriter].
func (r *Recorder) WriteHeader(code int) { r.Code = code; r.ResponseWriter.WriteHeader(code) }

// Unwrap lets http.ResponseController reach the connection.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
