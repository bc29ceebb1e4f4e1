package cmd

import (
	"rely/internal/cache"
	"rely/internal/fault"
	"rely/internal/wire"
)

// cache keeps what providers publish. It is looked into by commands that run
// again and again, and not where a person looks at the conversation: that is
// then to be seen as a whole.
func (i *invocation) cache() wire.Cache {
	if i.Dirs.Cache == "" {
		return nil
	}
	v := i.values
	return &cache.Folder{Dir: i.Dirs.Cache, Way: i.base.Way(), Now: i.Now,
		Blind: !i.warm || v.Bool("no_cache") || v.Bool("trace") || i.record != nil}
}

// doubt has the cache forget metadata that a command failed with: they may be
// why.
func (i *invocation) doubt(err error) {
	if i.known != nil && i.known.Cached && (fault.Is(err, fault.Protocol) || fault.Is(err, fault.Network)) {
		i.known.Forget()
		i.say("rely: note: the provider's metadata came from the cache. The next run asks for it anew.\n")
	}
}
