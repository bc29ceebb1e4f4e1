package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rely/internal/output"
)

// unreleased is the version of a build that carries none.
const unreleased = "(devel)"

type versionJSON struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(i *invocation) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show which rely this is",
		Long:    "Shows version, commit, Go version and platform, from what the Go command built in.",
		Example: "  rely version\n  rely version -o json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := i.settingsOnly(c); err != nil {
				return err
			}
			v := versionOf(debug.ReadBuildInfo())
			text := fmt.Sprintf("rely %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			if v.Commit != "" {
				text = fmt.Sprintf("rely %s (commit %.12s of %s, %s, %s)\n", v.Version, v.Commit, v.Time, v.Go, v.Platform)
			}
			return output.Print(i.Stdout, i.format(), output.Result{Schema: "version/1", JSON: v, Text: text, Raw: v.Version})
		},
	}
}

func versionOf(info *debug.BuildInfo, ok bool) versionJSON {
	v := versionJSON{Version: unreleased, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
