// Package secret holds strings that will not print: tokens, codes, passwords,
// client secrets. It hides text from fmt, log/slog and encoding/json; it does
// not encrypt.
package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unsafe"
)

// A String shows only its length to fmt, log/slog and encoding/json. The one
// way to the text is [String.Reveal], so a reviewer can list every use. The
// zero value is the empty string.
//
// The text sits behind a pointer because fmt cannot call methods on another
// struct's unexported field and would print a plain string there.
type String struct{ text *string }

// New keeps a copy of text from now on.
func New(text string) String {
	text = strings.Clone(text)
	return String{&text}
}

// Wipe overwrites the text in memory and makes s and everything copied from it
// empty. What [String.Reveal] gave away is overwritten with it where it was not
// copied on the way; what encoders and the network made of it is not reached.
func (s String) Wipe() {
	if s.text == nil {
		return
	}
	clear(unsafe.Slice(unsafe.StringData(*s.text), len(*s.text)))
	*s.text = ""
}

// Reveal gives the text back. Call it where the text leaves the process on
// purpose (an HTTP request, the store, a result the user asked for by name)
// or enters a computation that needs it; never for a message.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text at all.
func (s String) Empty() bool { return s.text == nil || *s.text == "" }

// Fingerprint is a stable tag for the text: equal secrets have equal tags, so
// that two values in a trace can be compared. Text under 16 bytes has no tag
// of its own, because a short secret could be guessed from it.
func (s String) Fingerprint() string { return Fingerprint(s.Reveal()) }

// Fingerprint is [String.Fingerprint] for text that is already in the open.
func Fingerprint(text string) string {
	switch {
	case text == "":
		return "[empty]"
	case len(text) < 16:
		return "[secret]"
	}
	sum := sha256.Sum256([]byte(text))
	return "[secret " + hex.EncodeToString(sum[:4]) + "]"
}

func (s String) mask() string { return fmt.Sprintf("[secret, %d bytes]", len(s.Reveal())) }

// String, Format, GoString, LogValue, MarshalText and MarshalJSON all show the
// length alone.
func (s String) String() string { return s.mask() }

// GoString hides the text from %#v.
func (s String) GoString() string { return s.mask() }

// Format hides the text from every verb of package fmt.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.mask()) }

// LogValue hides the text from log/slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.mask()) }

// MarshalText hides the text from encoders: a store that means to write it
// calls [String.Reveal].
func (s String) MarshalText() ([]byte, error) { return []byte(s.mask()), nil }
