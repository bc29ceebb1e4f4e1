package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
)

// overridden is a setting that the profile has and the command line or a
// variable replaces for this run; empty where there is none. What such a run
// obtains is another client's or another scope's, and is not kept.
func (k *Keeper) overridden(entry flows.Entry) string {
	for _, name := range []string{"issuer", "client_id", "client_auth", "flow", "scope", "resource", "audience", "authorization_details", "token_param", "dpop"} {
		if k.Settings.Replaced(name) {
			return k.Settings.Where(name)
		}
	}
	for _, name := range entry.Settings {
		// A secret counts where the profile may name a file for it: another
		// token is another subject. A password is the same person's.
		s, _ := config.Find(name)
		file, _ := config.Find(name + "_file")
		if where := k.now(name, config.FromVariable); where != "" && (s.Profile || file.Profile) {
			return where
		}
	}
	return ""
}

// now says how a setting, or the file or standard input for a secret one, was
// given for this run: from this source on. It is empty where it was not.
func (k *Keeper) now(name string, from config.Source) string {
	if k.Fed(name) {
		return "--" + config.Flag(name) + "-stdin"
	}
	for _, spelt := range []string{name, name + "_file"} {
		if _, there := config.Find(spelt); there && k.Settings.Source(spelt) >= from {
			return k.Settings.Where(spelt)
		}
	}
	return ""
}

// own are the tokens of the profile's session, for a flow that takes them for
// others. It must be another flow's session: its own would be what it made.
func (k *Keeper) own(ctx context.Context, asking flows.Entry) (*flows.Tokens, error) {
	refuse := func(err error, hint string) error {
		return &fault.Error{Kind: fault.Login, ID: "session.subject", Op: "take the session's token", Err: err, Hint: hint}
	}
	if k.Profile == "" {
		return nil, refuse(errors.New("there is no current profile"), "name the profile whose session it is with -p")
	}
	st, err := k.Store()
	if err != nil {
		return nil, err
	}
	person := *k
	person.whose, k = nil, &person // it is theirs, not of whom the asking flow acts for
	s, err := st.Session(ctx, k.Profile)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Flow == asking.Name:
		return nil, refuse(fmt.Errorf("the session of profile %s is what this flow obtained", k.Profile), `name the flow on the command line of "rely tokens", with the profile of a person's session`)
	case !k.belongs(s):
		return nil, k.renewable(s)
	case !k.usable(s, k.Settings.Duration("min_ttl")):
		entry, err := flows.Find(s.Flow)
		if err != nil {
			return nil, err
		}
		unlock, err := st.Lock(ctx, k.Profile)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if s, err = st.Session(ctx, k.Profile); err == nil && !k.usable(s, k.Settings.Duration("min_ttl")) {
			s, err = k.obtain(ctx, st, entry, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return &flows.Tokens{Access: s.Access, Refresh: s.Refresh, ID: s.ID}, nil
}

// Fits refuses a setting that was given on the command line and says nothing
// to the flow, because another one was meant.
func (k *Keeper) Fits(entry flows.Entry) error {
	for _, name := range flows.Settings() {
		typed := entry.Person && (name == "username" || name == "password") // by whoever walks the page
		where := k.now(name, config.FromFlag)
		if where == "" || slices.Contains(entry.Settings, name) || typed {
			continue
		}
		var takes []string
		for _, e := range flows.All() {
			if slices.Contains(e.Settings, name) {
				takes = append(takes, e.Name)
			}
		}
		return &fault.Error{Kind: fault.Usage, ID: "flow.setting", Op: "use the flow " + entry.Name, Err: fmt.Errorf("%s says nothing to it", where),
			Hint: "leave it out, or use --flow " + strings.Join(takes, " or ")}
	}
	return nil
}
