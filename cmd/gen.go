package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/fault"
)

// newGen makes what a release carries beside the program. It is hidden: users
// have "rely completion" and "rely help".
func newGen(i *invocation) *cobra.Command {
	c := &cobra.Command{Use: "gen", Short: "Generate completions, man pages and the reference", Hidden: true, Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	sub := func(use, short string, files func(root *cobra.Command) (map[string][]byte, error)) {
		c.AddCommand(&cobra.Command{Use: use + " DIR", Short: short, Args: arguments(1, 1), RunE: func(c *cobra.Command, args []string) error {
			made, err := files(newRoot(i, nil))
			if err != nil {
				return err
			}
			return writeAll(args[0], made)
		}})
	}
	sub("completions", "Write completions for bash, zsh, fish and PowerShell", completions)
	sub("man", "Write man pages", manPages)
	sub("docs", "Write docs/reference", func(root *cobra.Command) (map[string][]byte, error) { return reference(root), nil })
	return c
}

func writeAll(dir string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			return &fault.Error{Kind: fault.Config, ID: "gen.write", Op: "write " + path, Err: err, Hint: "check the folder"}
		}
	}
	return nil
}

func completions(root *cobra.Command) (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"rely.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"rely.zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"rely.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"rely.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return nil, err
		}
		out[name] = b.Bytes()
	}
	return out, nil
}

// walkCommands visits every command that a person may run, parents first.
func walkCommands(c *cobra.Command, visit func(*cobra.Command)) {
	if c.Hidden || isTopic(c) || c.Name() == "completion" || c.Name() == "help" {
		return
	}
	visit(c)
	for _, sub := range c.Commands() {
		walkCommands(sub, visit)
	}
}

// fileName is a command's page: "rely profile list" is rely-profile-list.
func fileName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }
