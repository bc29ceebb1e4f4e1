// Package cache keeps discovery documents and key sets between runs, for as
// long as their providers say that they may be used again (RFC 9111). It knows
// nothing of what is in them: whoever takes one out checks it as if it had just
// come. Nothing is lost with it: what cannot be read or written is fetched.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rely/internal/atomicfile"
	"rely/internal/wire"
)

const (
	maxEntry   = 1 << 20 // bytes of one document
	maxEntries = 64
	version    = 1
	suffix     = ".cached"
)

// A Folder is a [wire.Cache] of one file for each document. Dir and Now must
// be set.
type Folder struct {
	Dir   string
	Way   string // how the provider was reached; what came another way is not found
	Blind bool   // finds nothing, and keeps: the provider is asked every time
	Now   func() time.Time
}

// A label is the first line of a file, the document what follows.
type label struct {
	Version int       `json:"v"`
	Address string    `json:"url"`
	Accept  string    `json:"accept"`
	Way     string    `json:"way,omitempty"`
	Kept    time.Time `json:"kept"`
	Until   time.Time `json:"until"`
	Digest  string    `json:"sha256"`
}

// Find implements [wire.Cache].
func (f *Folder) Find(address, accept string) *wire.Answer {
	if f.Blind {
		return nil
	}
	body, left := f.find(address, accept)
	if left <= 0 {
		return nil
	}
	return &wire.Answer{Status: http.StatusOK, Body: body, URL: address}
}

// find is the document that is kept, and for how long it is still good.
func (f *Folder) find(address, accept string) (body []byte, left time.Duration) {
	data, err := atomicfile.ReadPrivate(f.path(address, accept), maxEntry+4<<10)
	if err != nil {
		return nil, 0
	}
	line, body, _ := bytes.Cut(data, []byte("\n"))
	var l label
	if json.Unmarshal(line, &l) != nil || l.Version != version || l.Address != address || l.Accept != accept || l.Way != f.Way || l.Digest != digest(body) {
		return nil, 0
	}
	// A clock that was set back must not make a document young again.
	now := f.Now()
	if now.Before(l.Kept) || l.Until.Sub(l.Kept) > longest {
		return nil, 0
	}
	return body, l.Until.Sub(now)
}

// Keep implements [wire.Cache].
func (f *Folder) Keep(address, accept string, a *wire.Answer) {
	now := f.Now()
	left := fresh(a.Header, now)
	if left <= 0 || len(a.Body) > maxEntry {
		f.Forget(address, accept) // what was kept before is not the latest any more
		return
	}
	// The same document, good for most of that time: it is not worth a write.
	if body, still := f.find(address, accept); still > left/2 && still <= left && bytes.Equal(body, a.Body) {
		return
	}
	line, err := json.Marshal(label{Version: version, Address: address, Accept: accept, Way: f.Way,
		Kept: now.UTC(), Until: now.Add(left).UTC(), Digest: digest(a.Body)})
	if err != nil || atomicfile.Folder(f.Dir) != nil {
		return
	}
	f.sweep(now)
	_ = atomicfile.Writer{Loose: true}.WritePrivate(f.path(address, accept), append(append(line, '\n'), a.Body...))
}

// Forget implements [wire.Cache].
func (f *Folder) Forget(address, accept string) { _ = os.Remove(f.path(address, accept)) }

func (f *Folder) path(address, accept string) string {
	return filepath.Join(f.Dir, digest([]byte(f.Way + "\n" + accept + "\n" + address))[:32]+suffix)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sweep makes room for one more file: what is older than any document may be
// goes, and beyond that the oldest.
func (f *Folder) sweep(now time.Time) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil || len(entries) < maxEntries {
		return
	}
	atomicfile.Sweep(f.Dir, now)
	type file struct {
		name string
		at   time.Time
	}
	var kept []file
	for _, e := range entries {
		if i, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), suffix) {
			kept = append(kept, file{e.Name(), i.ModTime()})
		}
	}
	slices.SortFunc(kept, func(a, b file) int { return b.at.Compare(a.at) })
	for n, k := range kept {
		if n >= maxEntries-1 || now.Sub(k.at) > longest {
			_ = os.Remove(filepath.Join(f.Dir, k.name))
		}
	}
}
