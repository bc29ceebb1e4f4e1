package store

import (
	"bytes"
	"context"
	"time"

	"rely/internal/secret"
	"rely/internal/strictjson"
)

// Token is what "rely tokens" needs of a plain session: the access token, its
// end, and the digest of the settings it was obtained under. It decodes
// nothing else, because scripts ask for it all the time. ok is false for
// whatever is out of the ordinary; [Files.Session] has the words for that.
func (f *Files) Token(ctx context.Context, profile string) (access secret.String, expiry time.Time, settings string, ok bool) {
	path := f.path(sessions, profile)
	text, err := f.read(ctx, profile, path)
	if err != nil || strictjson.Check(text) != nil {
		return access, expiry, "", false
	}
	schema, ok1 := plainText(text, "schema")
	owner, ok2 := plainText(text, "profile")
	token, ok3 := plainText(text, "access_token")
	until, ok4 := plainText(text, "expiry")
	settings, ok5 := plainText(text, "settings")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || schema != sessionSchema || owner != profile {
		return access, expiry, "", false
	}
	expiry, err = time.Parse(time.RFC3339, until)
	return secret.New(token), expiry, settings, err == nil
}

// plainText is a member that is a string without escapes, which every token
// and every time is as [Files.PutSession] writes it.
func plainText(object []byte, name string) (string, bool) {
	raw, there := strictjson.Lookup(object, name)
	if !there || len(raw) < 3 || raw[0] != '"' || bytes.IndexByte(raw, '\\') >= 0 {
		return "", false
	}
	return string(raw[1 : len(raw)-1]), true
}
