package store

import (
	"fmt"
	"strings"

	"rely/internal/fault"
)

// An Entry is one way of keeping sessions.
type Entry struct {
	Name string // value of --store
	Help string // one line
	// Possible says why the store cannot work here; nil means it may. It
	// starts, opens and asks nothing.
	Possible func(Options) error
	// Open gives the store. It touches neither disk nor keyring yet.
	Open func(Options) (Store, error)
}

// All is the table of stores, in the order of preference.
func All() []Entry {
	return []Entry{
		{"keyring", "files encrypted with a key that the OS keyring holds", keyringPossible, openKeyring},
		{"file", "plain files that only you may read (mode 0600)", filePossible, openFile},
		{"memory", "nothing outlives the command", func(Options) error { return nil }, openMemory},
	}
}

// Choose opens the store of this name and returns its name. "" means keyring
// where there is one, else file: a keyring that is there but locked or dumb
// stays the choice, and each use of it says so, because plain text is chosen
// by the user alone. Errors are [*fault.Error]s: Usage for an unknown name,
// Config for a store that is not possible here.
func Choose(name string, o Options) (Store, string, error) {
	if name == "" {
		if s := presentKeyring(o); s != nil {
			return s, "keyring", nil
		}
		name = "file"
	}
	var names []string
	for _, e := range All() {
		if e.Name == name {
			s, err := e.Open(o)
			return s, name, err
		}
		names = append(names, e.Name)
	}
	return nil, "", &fault.Error{Kind: fault.Usage, ID: "store.unknown", Op: "open the store",
		Hint: "use one of " + strings.Join(names, ", "), Err: fmt.Errorf("there is no store %q", name)}
}
