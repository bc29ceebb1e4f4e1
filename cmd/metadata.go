package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/registration"
)

// memberFlags are the flags of client metadata: one for each member of the
// table that has a flag, and --metadata for all others.
type memberFlags struct {
	redirects, metadata listFlag
}

func (m *memberFlags) add(i *invocation, c *cobra.Command) {
	for _, member := range registration.Members() {
		name := strings.ReplaceAll(member.Flag, "-", "_")
		_, setting := config.Find(name)
		switch {
		case member.Flag == "":
		case name == "redirect_uri":
			m.redirects.placeholder = "URL"
			c.Flags().Var(&m.redirects, member.Flag, member.Help)
		case setting && member.Kind != registration.List:
			i.settingFlags(c.Flags(), name)
		case member.Kind == registration.Bool:
			c.Flags().Bool(member.Flag, false, member.Help)
		case member.Kind == registration.List:
			c.Flags().Var(&listFlag{placeholder: "VALUE"}, member.Flag, member.Help)
		default:
			c.Flags().Var(&textFlag{placeholder: placeholder(member)}, member.Flag, member.Help)
		}
	}
	m.metadata.placeholder = "FILE|K=V"
	c.Flags().Var(&m.metadata, "metadata", "any metadata: a JSON or YAML file, - for standard input, or one member")
}

func placeholder(m registration.Member) string {
	switch {
	case m.Kind == registration.Number:
		return "N"
	case m.Kind == registration.JSON:
		return "FILE"
	case strings.HasSuffix(m.Name, "_uri"):
		return "URL"
	case strings.HasSuffix(m.Name, "_alg"):
		return "ALG"
	}
	return "VALUE"
}

// read is the metadata that the person gave: a flag wins over --metadata, and
// of two --metadata the later one.
func (m *memberFlags) read(i *invocation, c *cobra.Command) (map[string]any, error) {
	out, err := m.files(i)
	if err != nil {
		return nil, err
	}
	for _, member := range registration.Members() {
		f := c.Flags().Lookup(member.Flag)
		if member.Flag == "" || !f.Changed {
			continue
		}
		values := []string{f.Value.String()}
		if list, many := f.Value.(*listFlag); many {
			values = list.values
		}
		if member.Kind == registration.JSON {
			data, err := os.ReadFile(values[0])
			if err != nil {
				return nil, unreadable(values[0], err)
			}
			values[0] = string(data)
		}
		if out[member.Name], err = member.Read(values); err != nil {
			return nil, err
		}
	}
	for _, uri := range registration.ListOf(out, "redirect_uris") {
		if err := registration.CheckRedirect(uri, i.values.String("listen") != ""); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// files reads --metadata.
func (m *memberFlags) files(i *invocation) (map[string]any, error) {
	out := map[string]any{}
	pair := regexp.MustCompile(`^[A-Za-z0-9_#-]+=`)
	for _, word := range m.metadata.values {
		if pair.MatchString(word) {
			name, value, err := registration.Pair(word)
			if err != nil {
				return nil, err
			}
			out[name] = value
			continue
		}
		data, err := i.document(word)
		if err != nil {
			return nil, err
		}
		members, err := registration.File(word, data)
		if err != nil {
			return nil, err
		}
		for name, value := range members {
			out[name] = value
		}
	}
	return out, nil
}

// document reads a file, or standard input for "-".
func (i *invocation) document(name string) ([]byte, error) {
	const most = 1 << 20
	var in io.Reader = i.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	return data, nil
}

func unreadable(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &fault.Error{Kind: fault.Config, ID: "registration.unreadable", Op: "read the file " + name, Err: err, Hint: "check the file's name and mode"}
}
