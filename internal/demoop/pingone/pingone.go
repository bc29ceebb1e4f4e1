// Package pingone speaks PingOne's wire form of a person's own password: its
// change, its errors and its rules. Who the person is, its caller knows.
package pingone

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"slices"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

// resetType is how PingOne tells the change of one's own password from the
// other things that can be done to a password.
const resetType = "application/vnd.pingidentity.password.reset+json"

// Change changes the password of the user who is signed in.
func Change(r *http.Request, u *account.User, now time.Time) reply.Reply {
	if r.PathValue("sub") != u.Name {
		return pingError(http.StatusForbidden, "ACCESS_FAILED", "You do not have access to this resource.")
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != resetType {
		return pingError(http.StatusUnsupportedMediaType, "INVALID_REQUEST", "The content type must be "+resetType+".")
	}
	var in struct {
		Current string `json:"currentPassword"`
		New     string `json:"newPassword"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Current == "" || in.New == "" {
		return pingError(http.StatusBadRequest, "INVALID_DATA", "The request could not be completed. currentPassword and newPassword are required.")
	}
	if !shelf.Same(in.Current, u.Password) {
		return pingError(http.StatusBadRequest, "INVALID_DATA", "The provided current password is invalid.",
			map[string]any{"code": "INVALID_VALUE", "target": "currentPassword", "message": "The provided password did not match provisioned password."})
	}
	if unmet := u.Unmet(in.New); len(unmet) > 0 {
		inner := map[string]any{"unsatisfiedRequirements": slices.Sorted(maps.Keys(unmet))}
		for name, words := range unmet {
			inner[name] = words
		}
		return pingError(http.StatusBadRequest, "INVALID_DATA", "The request could not be completed. One or more validation errors were in the request.",
			map[string]any{"code": "INVALID_VALUE", "target": "newPassword", "message": "User password did not satisfy password policy requirements.", "innerError": inner})
	}
	u.Password, u.Changed = in.New, true
	return reply.Object(http.StatusOK, map[string]any{"environment": map[string]string{"id": "demo"}, "status": "OK",
		"lastChangedAt": now.UTC().Format("2006-01-02T15:04:05.000Z")})
}

// pingError is PingOne's error body.
func pingError(code int, id, message string, details ...map[string]any) reply.Reply {
	m := map[string]any{"id": shelf.Fresh()[:16], "code": id, "message": message}
	if len(details) > 0 {
		m["details"] = details
	}
	return reply.Object(code, m)
}

// Policies tells the rules.
func Policies() reply.Reply {
	policy := map[string]any{"id": "demo-policy", "name": "Demo", "default": true,
		"description":         "At least 8 characters, one of them a digit, without the user name",
		"excludesProfileData": true, "length": map[string]int{"min": 8, "max": 255}, "minCharacters": map[string]int{"0123456789": 1}}
	return reply.Object(http.StatusOK, map[string]any{"count": 1, "size": 1,
		"_embedded": map[string]any{"passwordPolicies": []any{policy}}})
}
