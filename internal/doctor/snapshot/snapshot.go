// Package snapshot keeps what a provider looked like, and compares two looks:
// of one provider before and after an upgrade, or of two providers. What
// changes by itself (key IDs, dates of certificates) takes no part.
package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rely/internal/doctor"
	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/strictjson"
)

// Schema is the name of a snapshot's form in its file.
const Schema = "snapshot/1"

// A Snapshot is one look. Its values are texts, so that two of them can stand
// side by side.
type Snapshot struct {
	Issuer string            `json:"issuer"`
	Taken  time.Time         `json:"taken"`
	Parts  map[string]Values `json:"parts"`
}

// Values are the members of one part, by their names.
type Values map[string]string

// Parts names the parts, in the order in which a comparison shows them.
func Parts() []string {
	return append([]string{"metadata", "keys", "transport", "headers", "findings"}, Tried()...)
}

// Tried names the parts that only a snapshot with --active has, all but the
// first of them only where somebody signed in.
func Tried() []string {
	return []string{"behaviour", "token response", "renewal response", "id token", "access token", "userinfo", "lifetimes"}
}

// Of makes a snapshot of what the doctor saw.
func Of(r *doctor.Report) Snapshot {
	e := r.Evidence
	s := Snapshot{Issuer: r.Issuer, Taken: e.Now.UTC().Truncate(time.Second), Parts: map[string]Values{}}
	metadata, keys, transport, headers, findings := Values{}, Values{}, Values{}, Values{}, Values{}
	for name, raw := range e.Members {
		metadata[name] = s.plain(raw)
	}
	count := map[string]int{}
	for _, raw := range e.Keys {
		info, _, _ := jose.Examine(raw)
		info.Kid = ""
		count[strings.TrimSuffix(info.String(), ", no kid")+" "+info.Alg+" "+info.Use]++
	}
	for kind, n := range count {
		keys[strings.TrimSpace(kind)] = fmt.Sprint(n)
	}
	for _, h := range e.Hosts {
		transport[s.relative(h.Name)] = state(h.Err == nil && h.Trust == nil, h.Version)
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "Access-Control-Allow-Origin"} {
		headers["discovery "+name] = e.OIDC.Header(name)
		headers["keys "+name] = e.JWKS.Header(name)
	}
	if e.Front != nil {
		headers["sign-in Strict-Transport-Security"] = e.Front.Header("Strict-Transport-Security")
	}
	for _, f := range r.Findings {
		if f.Check.ID != "P71" && !f.Check.Active { // P71 is a matter of the moment
			findings[f.Check.ID+" "+s.relative(f.Where)] = f.Severity.String()
		}
	}
	s.Parts = map[string]Values{"metadata": metadata, "keys": keys, "transport": transport, "headers": headers, "findings": findings}
	if b := behaviour(r); len(b) > 0 {
		s.Parts["behaviour"] = b
	}
	return s
}

func state(trusted bool, version uint16) string {
	if !trusted {
		return "not trusted"
	}
	return fmt.Sprintf("TLS %#04x", version)
}

// plain is a member as a text: a list is sorted, since its order means
// nothing, and the issuer's own address is left out of the endpoints.
func (s *Snapshot) plain(raw json.RawMessage) string {
	var list []string
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return s.relative(text)
	case json.Unmarshal(raw, &list) == nil:
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return s.relative(b.String())
}

// relative writes ISSUER for the issuer's address and HOST for its host, so
// that two providers can be compared.
func (s *Snapshot) relative(text string) string {
	base := strings.TrimSuffix(s.Issuer, "/")
	text = strings.ReplaceAll(text, base, "ISSUER")
	if _, rest, ok := strings.Cut(base, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		text = strings.ReplaceAll(text, host, "HOST")
	}
	return text
}

// A Difference is a value that two snapshots do not share; empty where one of
// them lacks it.
type Difference struct {
	Part string `json:"part"`
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Alone are the parts that one of two snapshots lacks: it was taken without
// --active or without a sign-in, or the provider has nothing of it.
func Alone(a, b Snapshot) []string {
	var out []string
	for _, part := range Tried() {
		if (a.Parts[part] == nil) != (b.Parts[part] == nil) {
			out = append(out, part)
		}
	}
	return out
}

// Compare lists the differences, part by part, name by name. What is [Alone]
// is none, nor is a check that was not run on one side.
func Compare(a, b Snapshot) []Difference {
	out := []Difference{}
	for _, part := range Parts() {
		if slices.Contains(Alone(a, b), part) {
			continue
		}
		names := map[string]bool{}
		for name := range a.Parts[part] {
			names[name] = true
		}
		for name := range b.Parts[part] {
			names[name] = true
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if one, other := a.Parts[part][name], b.Parts[part][name]; one != other && (part != "behaviour" || one != "" && other != "") {
				out = append(out, Difference{part, name, one, other})
			}
		}
	}
	return out
}

// Write is the file of a snapshot.
func (s Snapshot) Write() ([]byte, error) {
	data, err := json.MarshalIndent(struct {
		Schema string   `json:"schema"`
		Result Snapshot `json:"result"`
	}{Schema, s}, "", "  ")
	return append(data, '\n'), err
}

// Read is the snapshot in a file. The error is of kind Config.
func Read(data []byte) (Snapshot, error) {
	var file struct {
		Schema string
		Result Snapshot
	}
	err := strictjson.Check(data)
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err == nil && file.Schema != Schema {
		err = errors.New("it is no snapshot of rely doctor")
	}
	if err != nil {
		return Snapshot{}, &fault.Error{Kind: fault.Config, ID: "doctor.snapshot", Op: "read the snapshot", Err: err,
			Hint: "make one with \"rely doctor ISSUER --snapshot FILE\", FILE being new"}
	}
	return file.Result, nil
}

// Text is a comparison for a person.
func Text(a, b Snapshot, all []Difference) string {
	var out strings.Builder
	fmt.Fprintf(&out, "A  %s, %s\nB  %s, %s\n", fault.Visible(a.Issuer), a.Taken.Format(time.RFC3339), fault.Visible(b.Issuer), b.Taken.Format(time.RFC3339))
	part := ""
	for _, d := range all {
		if d.Part != part {
			part = d.Part
			fmt.Fprintf(&out, "\n%s\n", part)
		}
		fmt.Fprintf(&out, "  %s\n    A  %s\n    B  %s\n", fault.VisibleUpTo(d.Name, 200), shown(d.A), shown(d.B))
	}
	if alone := Alone(a, b); len(alone) > 0 {
		fmt.Fprintf(&out, "\nNot compared, because one side has none of it (taken without --active, without a sign-in, or not offered): %s.\n", strings.Join(alone, ", "))
	}
	if len(all) == 0 {
		out.WriteString("\nThey are the same, as far as this can be seen.\n")
	} else {
		fmt.Fprintf(&out, "\n%s.\n", fault.Count(len(all), "difference", "differences"))
	}
	return out.String()
}

func shown(value string) string {
	if value == "" {
		return "-"
	}
	return fault.VisibleUpTo(value, 600)
}
