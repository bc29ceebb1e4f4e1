package cmd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// A claimGroup is claims that belong together, in the order of a person (OIDC
// Core 5.1, 5.4).
type claimGroup struct {
	title  string
	claims []string
}

func claimGroups() []claimGroup {
	return []claimGroup{
		{"account", []string{"sub", "preferred_username", "iss", "aud", "updated_at"}},
		{"person", []string{"name", "given_name", "middle_name", "family_name", "nickname", "gender", "birthdate", "locale", "zoneinfo", "profile", "picture", "website"}},
		{"contact", []string{"email", "phone_number"}},
		{"address", []string{"address"}},
	}
}

// layOut shows claims to a person: groups, dates in local time,
// marks of what is verified, the address in lines. Whatever is not standard
// comes at the end.
func layOut(claims map[string]json.RawMessage, now time.Time) string {
	left := make(map[string]json.RawMessage, len(claims))
	for name, raw := range claims {
		left[name] = raw
	}
	var b strings.Builder
	for _, g := range claimGroups() {
		var rows [][2]string
		for _, name := range g.claims {
			raw, there := left[name]
			if !there {
				continue
			}
			delete(left, name)
			rows = append(rows, claimRows(name, raw, left, now)...)
		}
		writeGroup(&b, g.title, rows)
	}
	names := make([]string, 0, len(left))
	for name := range left {
		names = append(names, name)
	}
	slices.Sort(names)
	var rows [][2]string
	for _, name := range names {
		rows = append(rows, [2]string{name, shownClaim(name, left[name], now)})
	}
	writeGroup(&b, "more", rows)
	return b.String()
}

func writeGroup(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", title)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "  %s\t%s\n", fault.VisibleUpTo(row[0], 60), row[1])
	}
	_ = w.Flush() // to memory: cannot fail
}

// claimRows are the lines of one claim; what says that it is verified goes with
// it.
func claimRows(name string, raw json.RawMessage, left map[string]json.RawMessage, now time.Time) [][2]string {
	shown := shownClaim(name, raw, now)
	switch name {
	case "email", "phone_number":
		mark, said := left[name+"_verified"]
		delete(left, name+"_verified")
		switch {
		case said && string(mark) == "true":
			shown += "  (verified)"
		case said && string(mark) == "false":
			shown += "  (NOT verified)"
		case said:
			shown += "  (" + name + "_verified is " + fault.VisibleUpTo(string(mark), 40) + ", which is neither true nor false)"
		default:
			shown += "  (nobody says whether it is verified)"
		}
	case "picture":
		shown += "  (not fetched)"
	case "address":
		return addressRows(raw, shown)
	}
	return [][2]string{{name, shown}}
}

// addressRows lays an address out as on an envelope (OIDC Core 5.1.1): as the
// provider formatted it, else from its parts.
func addressRows(raw json.RawMessage, whole string) [][2]string {
	members, err := strictjson.Object(raw)
	if err != nil {
		return [][2]string{{"address", whole}}
	}
	part := func(name string) string {
		var text string
		_ = json.Unmarshal(members[name], &text)
		return strings.TrimSpace(text)
	}
	lines := strings.Split(strings.ReplaceAll(part("formatted"), "\r\n", "\n"), "\n")
	if part("formatted") == "" {
		place := strings.TrimSpace(part("postal_code") + " " + part("locality"))
		lines = append(strings.Split(strings.ReplaceAll(part("street_address"), "\r\n", "\n"), "\n"), place, part("region"), part("country"))
	}
	var rows [][2]string
	label := "address"
	for _, line := range lines[:min(len(lines), 20)] {
		if line = strings.TrimSpace(line); line != "" {
			rows = append(rows, [2]string{label, fault.VisibleUpTo(line, 200)})
			label = ""
		}
	}
	if rows == nil {
		return [][2]string{{"address", whole}}
	}
	return rows
}
