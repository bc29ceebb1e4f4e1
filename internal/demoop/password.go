package demoop

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"slices"

	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

// resetType is how PingOne tells the change of one's own password from the
// other things that can be done to a password.
const resetType = "application/vnd.pingidentity.password.reset+json"

// changePassword changes the signed-in user's own password, in PingOne's wire
// form.
func (s *Server) changePassword(r *http.Request) reply.Reply {
	a, no := s.bearer(r, "p1:reset:userPassword")
	switch {
	case no != nil:
		return no
	case r.PathValue("sub") != a.user.Name:
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
	if !shelf.Same(in.Current, a.user.Password) {
		return pingError(http.StatusBadRequest, "INVALID_DATA", "The provided current password is invalid.",
			map[string]any{"code": "INVALID_VALUE", "target": "currentPassword", "message": "The provided password did not match provisioned password."})
	}
	if unmet := a.user.Unmet(in.New); len(unmet) > 0 {
		inner := map[string]any{"unsatisfiedRequirements": slices.Sorted(maps.Keys(unmet))}
		for name, words := range unmet {
			inner[name] = words
		}
		return pingError(http.StatusBadRequest, "INVALID_DATA", "The request could not be completed. One or more validation errors were in the request.",
			map[string]any{"code": "INVALID_VALUE", "target": "newPassword", "message": "User password did not satisfy password policy requirements.", "innerError": inner})
	}
	a.user.Password, a.user.Changed = in.New, true
	return reply.Object(http.StatusOK, map[string]any{"environment": map[string]string{"id": "demo"}, "status": "OK",
		"lastChangedAt": s.now().UTC().Format("2006-01-02T15:04:05.000Z")})
}

// pingError is PingOne's error body.
func pingError(code int, id, message string, details ...map[string]any) reply.Reply {
	m := map[string]any{"id": shelf.Fresh()[:16], "code": id, "message": message}
	if len(details) > 0 {
		m["details"] = details
	}
	return reply.Object(code, m)
}

// passwordPolicies tells the rules, as PingOne lists them.
func (s *Server) passwordPolicies(r *http.Request) reply.Reply {
	if _, no := s.bearer(r, "p1:read:userPassword", "p1:reset:userPassword"); no != nil {
		return no
	}
	policy := map[string]any{"id": "demo-policy", "name": "Demo", "default": true,
		"description":         "At least 8 characters, one of them a digit, without the user name",
		"excludesProfileData": true, "length": map[string]int{"min": 8, "max": 255}, "minCharacters": map[string]int{"0123456789": 1}}
	return reply.Object(http.StatusOK, map[string]any{"count": 1, "size": 1,
		"_embedded": map[string]any{"passwordPolicies": []any{policy}}})
}
