package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/strictjson"
)

// WatchSchema is the name of the form in which --watch keeps the last look.
const WatchSchema = "watch/1"

// A Watched is the last look at a provider's keys, and since when each has been
// seen. There is no token and no secret in it.
type Watched struct {
	Issuer string       `json:"issuer"`
	Taken  time.Time    `json:"taken"`
	Looks  int          `json:"looks"`
	Keys   []WatchedKey `json:"keys"`
}

// A WatchedKey is one key of the set.
type WatchedKey struct {
	Print  string    `json:"fingerprint"`
	Kid    string    `json:"kid,omitempty"`
	Kind   string    `json:"kind"`
	First  time.Time `json:"first_seen"`
	Signed bool      `json:"signed,omitempty"` // it signed at the last look
}

// Past is what the next look is compared with; nil where there was none.
func (w *Watched) Past() *evidence.Past {
	if w == nil {
		return nil
	}
	p := &evidence.Past{Taken: w.Taken}
	for _, k := range w.Keys {
		p.Keys = append(p.Keys, k.Print)
		if k.Signed {
			p.Signed = k.Print
		}
	}
	return p
}

// Next is the look to keep after w, which is nil for the first.
func (w *Watched) Next(e *evidence.Evidence) *Watched {
	next := &Watched{Issuer: e.Issuer, Taken: e.Now.UTC().Truncate(time.Second), Looks: 1, Keys: []WatchedKey{}}
	if w != nil {
		next.Looks = w.Looks + 1
	}
	signing := e.Signing()
	for _, raw := range e.Keys {
		info, _, _ := jose.Examine(raw)
		k := WatchedKey{Print: evidence.Fingerprint(raw), Kid: info.Kid, First: next.Taken}
		info.Kid = ""
		k.Kind, k.Signed = strings.TrimSuffix(info.String(), ", no kid"), signing != "" && signing == k.Print
		if w != nil {
			if at := slices.IndexFunc(w.Keys, func(old WatchedKey) bool { return old.Print == k.Print }); at >= 0 {
				k.First = w.Keys[at].First
			}
		}
		next.Keys = append(next.Keys, k)
	}
	return next
}

// Write is the file of it.
func (w *Watched) Write() ([]byte, error) {
	data, err := json.MarshalIndent(struct {
		Schema string   `json:"schema"`
		Result *Watched `json:"result"`
	}{WatchSchema, w}, "", "  ")
	return append(data, '\n'), err
}

// ReadWatch reads what an earlier look at the issuer left. The error is of kind
// Config.
func ReadWatch(data []byte, issuer string) (*Watched, error) {
	var file struct {
		Schema string
		Result *Watched
	}
	err := strictjson.Check(data)
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	switch {
	case err != nil:
	case file.Schema != WatchSchema || file.Result == nil:
		err = errors.New("it is nothing that rely doctor --watch wrote")
	case file.Result.Issuer != issuer:
		err = fmt.Errorf("it is about %s", fault.Visible(file.Result.Issuer))
	default:
		return file.Result, nil
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "doctor.watch", Op: "read the last look", Err: err, Hint: "give a file of its own to each issuer with --watch FILE, new the first time"}
}
