package cmd

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/atomicfile"
	"rely/internal/config"
	"rely/internal/doctor"
	"rely/internal/doctor/evidence"
	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/trace"
)

// bundle is "rely doctor bundle": evidence in one file, fit to be sent.
type bundle struct {
	*invocation
	file string
}

func newBundle(i *invocation) *cobra.Command {
	b := &bundle{invocation: i}
	c := &cobra.Command{
		Use:   "bundle [ISSUER]",
		Short: "Put all that the doctor saw into one zip file",
		Long: `Examines the provider as "rely doctor" does and puts versions, metadata, keys,
every request and answer (HAR), the curl commands that repeat them and the findings
into one zip file that can be sent to those who run the provider. Secrets are struck
out; equal ones have equal fingerprints. Its exit code tells whether the file was
written, not what was found.`,
		Example: "  rely doctor bundle https://op.example\n  rely doctor bundle https://op.example --file evidence.zip",
		Args:    arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := b.open(c, false); err != nil {
				return err
			}
			return b.run(c.Context())
		},
	}
	i.settingFlags(c.Flags(), "issuer")
	providerFlags(c)
	c.Flags().Var(&pathFlag{&b.file, "FILE"}, "file", "where to write it; without it a name made of the issuer's, in this folder")
	return c
}

func (b *bundle) run(ctx context.Context) error {
	issuer, err := b.issuer()
	if err != nil {
		return err
	}
	if b.record == nil {
		b.record = &trace.Record{}
	}
	look, err := b.look()
	if err != nil {
		return err
	}
	r, err := doctor.Examine(ctx, doctor.Options{Look: look}, issuer)
	if err != nil {
		return err
	}
	data, err := b.zip(r)
	if err != nil {
		return err
	}
	if b.file == "" {
		b.file = "rely-doctor-" + config.ProfileNameFor(issuer) + ".zip"
	}
	if err := atomicfile.Write(filepath.Clean(b.file), data, 0o600); err != nil {
		return err
	}
	return output.Print(b.Stdout, b.format(), output.Result{Schema: "bundle/1", JSON: map[string]any{"file": b.file, "bytes": len(data), "findings": len(r.Findings)},
		Text: fmt.Sprintf("%s\n", fault.Visible(b.file)), Raw: b.file})
}

// zip makes the file: JSON for programs, text for people.
func (b *bundle) zip(r *doctor.Report) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	var failed error
	add := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "evidence/" + name, Method: zip.Deflate, Modified: b.Now()})
		if err == nil {
			_, err = w.Write(data)
		}
		if failed == nil && err != nil {
			failed = err
		}
	}
	document := func(name string, v any) {
		data, err := json.MarshalIndent(v, "", "  ")
		if failed == nil && err != nil {
			failed = err
		}
		add(name, append(data, '\n'))
	}
	har, err := b.record.HAR(b.redact, "rely", programVersion())
	if err != nil {
		return nil, err
	}
	document("versions.json", versionOf(debug.ReadBuildInfo()))
	document("findings.json", map[string]any{"schema": "doctor/1", "result": report.Of(r)})
	add("report.txt", []byte(report.Text(r, true)))
	for name, d := range map[string]evidence.Document{"metadata.json": r.Evidence.OIDC, "keys.json": r.Evidence.JWKS} {
		if d.Answer != nil && d.Members != nil {
			add(name, []byte(b.redact.JSON(d.Answer.Body)))
		}
	}
	add("exchanges.har", har)
	add("repeat.sh", []byte(b.record.Curl(b.redact)))
	add("README.txt", []byte(strings.ReplaceAll(bundleWords, "ISSUER", fault.Visible(r.Issuer))))
	if err := z.Close(); failed == nil && err != nil {
		failed = err
	}
	return out.Bytes(), failed
}

const bundleWords = `What rely doctor saw at ISSUER.

report.txt     the findings, for people
findings.json  the same for programs (schema doctor/1)
metadata.json  the discovery document
keys.json      the key set; private parts would be struck out
exchanges.har  every request and answer; browsers' developer tools open it
repeat.sh      curl commands that repeat the requests
versions.json  which rely this was

Secrets are struck out. Equal secrets have equal fingerprints.
`
