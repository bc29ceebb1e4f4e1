package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"rely/internal/atomicfile"
	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/totp"
	"rely/internal/useragent"
	"rely/internal/useragent/capture"
)

// pageFlags are the flags for login pages that rely walks itself. None of them
// is a setting: where a password may be typed is said each time.
type pageFlags struct {
	origins              *listFlag
	recipe, record, save string

	draft recipe.Recipe // what --record-recipe writes
}

func (p *pageFlags) add(to *pflag.FlagSet) {
	if p.origins == nil { // a command and those below it share the values
		p.origins = &listFlag{placeholder: "ORIGIN"}
	}
	to.Var(p.origins, "allow-origin", "further origin where the password may be typed; repeatable")
	text := func(value *string, name, placeholder, help string) {
		to.Var(&pathFlag{value, placeholder}, name, help)
	}
	text(&p.recipe, "recipe", "FILE", "what to do with login pages that the defaults do not understand")
	text(&p.record, "record-recipe", "FILE", "write down as a recipe what the defaults did")
	text(&p.save, "save-pages", "DIR", "keep pages that could not be handled, secrets struck out; with -v every page")
}

// given reports whether one of the flags was.
func (p *pageFlags) given() bool {
	return p.origins != nil && len(p.origins.values) > 0 || p.recipe+p.record+p.save != ""
}

// A pathFlag is a file's or a folder's name.
type pathFlag struct {
	value       *string
	placeholder string
}

// Set implements [pflag.Value].
func (f *pathFlag) Set(value string) error {
	if value == "" {
		return errors.New("it is empty")
	}
	*f.value = value
	return nil
}

// String implements [pflag.Value].
func (f *pathFlag) String() string { return *f.value }

// Type is the word for the value in help.
func (f *pathFlag) Type() string { return f.placeholder }

// walkPages gives a user agent what it needs for pages that rely walks itself.
func (i *invocation) walkPages(o *useragent.Options) error {
	o.Timeout = i.values.Duration("timeout")
	code, err := i.secretOnce(false, "totp_secret", "the secret for one-time codes")
	if err == nil && !code.Empty() {
		o.TOTP, err = totp.Parse(code)
	}
	p := &i.pages
	if err != nil || !p.given() {
		return err
	}
	if !i.robot() {
		return &fault.Error{Kind: fault.Usage, ID: "login.pages", Op: "sign in",
			Err:  errors.New("--allow-origin, --recipe, --record-recipe and --save-pages are for pages that rely walks itself"),
			Hint: "add --browser forms, or chrome for pages that need scripts"}
	}
	if o.Recipe, err = readRecipe(p.recipe); err != nil {
		return err
	}
	o.Origins = o.Recipe.AllowOrigin
	for _, raw := range p.origins.values {
		origin, err := recipe.Origin(raw)
		if err != nil {
			return &fault.Error{Kind: fault.Usage, ID: "login.allow-origin", Op: "read --allow-origin", Err: fmt.Errorf("%q: %w", raw, err),
				Hint: "give scheme and host, as https://login.example"}
		}
		o.Origins = append(o.Origins, origin)
	}
	if p.record != "" {
		if _, err := os.Lstat(p.record); err == nil {
			return &fault.Error{Kind: fault.Usage, ID: "login.record-recipe", Op: "record a recipe", Err: fmt.Errorf("%s is there already", p.record),
				Hint: "give the name of a new file: a recipe is edited by hand"}
		}
		o.Record = func(s recipe.Step) { p.draft.Steps = append(p.draft.Steps, s) }
	}
	if p.save != "" {
		password := o.Password
		o.EveryPage = i.verbose() > 0
		o.Pages = &capture.Folder{Dir: p.save, Redact: func(s string) string {
			if !password.Empty() {
				s = strings.ReplaceAll(s, password.Reveal(), password.String())
			}
			return i.redact.Text(s)
		}}
	}
	return nil
}

func readRecipe(path string) (recipe.Recipe, error) {
	if path == "" {
		return recipe.Recipe{}, nil
	}
	f, err := os.Open(path)
	var data []byte
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, recipe.MaxSize+1))
	}
	if err != nil {
		return recipe.Recipe{}, &fault.Error{Kind: fault.Config, ID: "recipe.read", Op: "read the recipe", Err: err, Hint: "check the file's name and mode"}
	}
	return recipe.Parse(path, data)
}

// recorded writes the draft of a recipe, whatever became of the sign-in: err.
func (i *invocation) recorded(err error) error {
	p := &i.pages
	if p.record == "" || len(p.draft.Steps) == 0 {
		return err
	}
	// A step that knows its page by a field would never come behind one that
	// takes every page of that address.
	var known, rest []recipe.Step
	for _, s := range p.draft.Steps {
		if s.Match.Field != "" {
			known = append(known, s)
		} else {
			rest = append(rest, s)
		}
	}
	draft := recipe.Recipe{Steps: append(known, rest...)}
	text := "# A first draft, from what rely did without a recipe. docs/reference/recipes.md has every key.\n" + string(draft.YAML())
	if failed := atomicfile.Write(filepath.Clean(p.record), []byte(text), 0o644); failed != nil {
		return cmp.Or(err, failed)
	}
	i.say("What was done is written to %s.\n", fault.Visible(p.record))
	return err
}
