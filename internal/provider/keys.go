package provider

import (
	"context"
	"net/http"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/wire"
)

// Prefetch begins to fetch the keys, so that they are there when the person
// comes back from the login page. [Provider.Keys] waits for it.
func (p *Provider) Prefetch(ctx context.Context) {
	p.keys.Lock()
	defer p.keys.Unlock()
	p.startFetch(ctx, false)
}

// Keys is the provider's JWKS, fetched once or found in the cache. refetch
// asks the provider for it again: once for a key that is not in it, because
// providers rotate keys (OIDC Core 10.1.1). Errors are those of [wire.Client.Get], or Protocol.
func (p *Provider) Keys(ctx context.Context, refetch bool) (jose.Set, error) {
	p.keys.Lock()
	if refetch && p.keys.pending == nil {
		p.keys.have = false
	}
	if !p.keys.have {
		p.startFetch(ctx, refetch)
	}
	pending := p.keys.pending
	p.keys.Unlock()
	if pending != nil {
		select {
		case <-pending:
		case <-ctx.Done():
			return jose.Set{}, &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "fetch the provider's keys", Err: ctx.Err()}
		}
	}
	p.keys.Lock()
	defer p.keys.Unlock()
	return p.keys.set, p.keys.err
}

// startFetch runs at most one fetch at a time. The caller holds the lock.
func (p *Provider) startFetch(ctx context.Context, again bool) {
	if p.keys.pending != nil {
		return
	}
	done := make(chan struct{})
	p.keys.pending = done
	go func() {
		set, err := p.fetchKeys(ctx, again)
		p.keys.Lock()
		defer p.keys.Unlock()
		p.keys.set, p.keys.err = set, err
		p.keys.have = err == nil
		p.keys.pending = nil
		close(done)
	}()
}

func (p *Provider) fetchKeys(ctx context.Context, again bool) (jose.Set, error) {
	const op, asKeys = "fetch the provider's keys", "application/json, application/jwk-set+json"
	address, err := p.Need("jwks_uri", op)
	if err != nil {
		return jose.Set{}, err
	}
	if a := p.http.Cached(address, asKeys); a != nil && !again {
		if set, err := jose.ParseSet(a.Body); err == nil {
			return set, nil
		}
	}
	a, err := p.http.Get(ctx, op, address, asKeys, wire.KeySet)
	if err != nil {
		return jose.Set{}, err
	}
	if a.Status != http.StatusOK {
		return jose.Set{}, a.Unexpected(op)
	}
	set, err := jose.ParseSet(a.Body)
	if err != nil {
		return jose.Set{}, &fault.Error{
			Kind: fault.Protocol, ID: "provider.keys", Op: op, Spec: "RFC 7517 5", Err: err,
			Hint: "have the provider mend " + address,
		}
	}
	return set, nil
}
