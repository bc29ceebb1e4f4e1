// Package trust puts the local authority's certificate where programs and
// browsers look for authorities, and takes it out again. It makes no
// certificate, touches no other one, and says beforehand what it will do.
package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

// Options say which certificate it is about, and for whom.
type Options struct {
	Certificate *x509.Certificate
	Path        string // of its PEM file
	Home        string // the person's home folder; browsers keep their databases below
	Now         time.Time
	NoPrompt    bool // nobody is there to type sudo's password
}

// An Entry is one kind of store that certificates are trusted from. Errors
// are [*fault.Error] of the kind Config, with the way to do it by hand.
type Entry struct {
	Name, Help string
	// Trusted reports whether the store has the certificate, and what stands
	// in the way of knowing.
	Trusted func(Options) (bool, error)
	// Steps are what Install, or else Uninstall, is about to do, one line
	// each; none where there is nothing to do. Its error is why it cannot be.
	Steps     func(o Options, install bool) ([]string, error)
	Install   func(Options) error
	Uninstall func(Options) error
}

// All is the table of stores.
func All() []Entry { return []Entry{system(), browsers()} }

// Named is the entries of these names, separated by commas; all for "".
func Named(names string) ([]Entry, error) {
	all := All()
	if names == "" {
		return all, nil
	}
	var out []Entry
	for name := range strings.SplitSeq(names, ",") {
		at := slices.IndexFunc(all, func(e Entry) bool { return e.Name == name })
		if at < 0 {
			return nil, &fault.Error{Kind: fault.Usage, ID: "trust.store", Op: "find the store", Err: fmt.Errorf("there is no store %q", name),
				Hint: "give system or browsers"}
		}
		out = append(out, all[at])
	}
	return out, nil
}

// memory is the file beside the authority that holds what was installed: a
// line for each store, its name and the certificate's SHA-256.
const memory = "trusted"

// Remember keeps in dir that a store has the certificate, or no longer has it.
func Remember(dir, store string, c *x509.Certificate, has bool) error {
	path := filepath.Join(dir, memory)
	before, _ := atomicfile.ReadPrivate(path, 64<<10) // none yet is none
	var after []byte
	for line := range bytes.Lines(before) {
		if name, _, _ := bytes.Cut(line, []byte(" ")); string(name) != store {
			after = append(after, line...)
		}
	}
	if has {
		after = append(after, line(store, c)...)
	}
	return atomicfile.Writer{}.WritePrivate(path, after)
}

// Remembered reports whether the authority kept in dir was installed where this
// system's browsers look: their own databases on Linux and BSD, the system's
// store elsewhere. It reads two small files and asks nobody.
func Remembered(dir string, authority *x509.Certificate) bool {
	text, err := os.ReadFile(filepath.Join(dir, memory))
	if err != nil {
		return false
	}
	store := "browsers"
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		store = "system"
	}
	return bytes.Contains(append([]byte("\n"), text...), []byte("\n"+line(store, authority)))
}

func line(store string, c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return store + " " + hex.EncodeToString(sum[:]) + "\n"
}

// failed words what a tool said.
func failed(op string, err error, byHand string) error {
	var out interface{ Out() []byte }
	if errors.As(err, &out) {
		if said := strings.TrimSpace(string(out.Out())); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	return &fault.Error{Kind: fault.Config, ID: "trust.failed", Op: op, Err: err, Hint: byHand}
}
