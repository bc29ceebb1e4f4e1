package cmd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"rely/internal/atomicfile"
)

// programVersion is what "rely version -o raw" prints.
func programVersion() string { return versionOf(debug.ReadBuildInfo()).Version }

// evidence writes what --har and --curl ask for, whatever became of the
// command: err.
func (i *invocation) evidence(err error) error {
	if i.record == nil {
		return err
	}
	if file := i.values.String("har"); file != "" {
		data, failed := i.record.HAR(i.redact, "rely", programVersion())
		if failed == nil {
			failed = atomicfile.Write(filepath.Clean(file), append(data, '\n'), 0o600)
		}
		err = cmp.Or(err, failed)
	}
	if i.values.Bool("curl") {
		fmt.Fprint(i.Stderr, i.record.Curl(i.redact))
	}
	return err
}
