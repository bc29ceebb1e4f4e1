// Package cache keeps discovery documents and key sets between runs, for as
// long as their providers say that they may be used again (RFC 9111). It knows
// nothing of what is in them: whoever takes one out checks it as if it had just
// come. Nothing is lost with it: what cannot be read or written is fetched.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"rely/internal/atomicfile"
	"rely/internal/wire"
)

const (
	maxEntry   = 1 << 20 // bytes of one document
	maxEntries = 64
	version    = "rely-cache/2"
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

// A label is the first four lines of a file, the document what follows: when it
// was kept, until when it is good, and its digest; where it came from; as what;
// which way. It is read at every start, so it is no JSON.
type label struct {
	address, accept, way string
	kept, until          time.Time
	digest               string
}

func (l label) String() string {
	return fmt.Sprintf("%s %d %d %s\n%s\n%s\n%s\n", version, l.kept.UnixMilli(), l.until.UnixMilli(), l.digest, l.address, l.accept, l.way)
}

// read takes the label off a file's text; ok is false where there is none.
func (l *label) read(text []byte) (body []byte, ok bool) {
	lines := bytes.SplitN(text, []byte("\n"), 5)
	if len(lines) < 5 {
		return nil, false
	}
	f := strings.Split(string(lines[0]), " ")
	if len(f) != 4 || f[0] != version {
		return nil, false
	}
	kept, err1 := strconv.ParseInt(f[1], 10, 64)
	until, err2 := strconv.ParseInt(f[2], 10, 64)
	l.kept, l.until, l.digest = time.UnixMilli(kept), time.UnixMilli(until), f[3]
	l.address, l.accept, l.way = string(lines[1]), string(lines[2]), string(lines[3])
	return lines[4], err1 == nil && err2 == nil
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
	var l label
	body, ok := l.read(data)
	if !ok || l.address != address || l.accept != accept || l.way != f.Way || l.digest != digest(body) {
		return nil, 0
	}
	// A clock that was set back must not make a document young again.
	now := f.Now()
	if now.Before(l.kept) || l.until.Sub(l.kept) > longest {
		return nil, 0
	}
	return body, l.until.Sub(now)
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
	l := label{address: address, accept: accept, way: f.Way, kept: now.Truncate(time.Millisecond), until: now.Add(left), digest: digest(a.Body)}
	if strings.Contains(address+accept+f.Way, "\n") || atomicfile.Folder(f.Dir) != nil {
		return
	}
	f.sweep(now)
	_ = atomicfile.Writer{Loose: true}.WritePrivate(f.path(address, accept), append([]byte(l.String()), a.Body...))
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
	sort.Slice(kept, func(a, b int) bool { return kept[a].at.After(kept[b].at) })
	for n, k := range kept {
		if n >= maxEntries-1 || now.Sub(k.at) > longest {
			_ = os.Remove(filepath.Join(f.Dir, k.name))
		}
	}
}
