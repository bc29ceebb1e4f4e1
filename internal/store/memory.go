package store

import (
	"context"
	"sync"
)

// Memory is a store that ends with the process. The zero value is empty and
// ready for use; it must not be copied.
type Memory struct {
	mu       sync.Mutex
	sessions map[string]Session
	clients  map[string]Client
	locks    map[string]chan struct{}
	wait     Options
}

func openMemory(o Options) (Store, error) { return &Memory{wait: o}, nil }

// Session implements [Store].
func (m *Memory) Session(_ context.Context, profile string) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[profile]
	if !ok {
		return nil, missing(profile)
	}
	return &s, nil
}

// PutSession implements [Store].
func (m *Memory) PutSession(_ context.Context, profile string, s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions == nil {
		m.sessions = make(map[string]Session)
	}
	kept := *s
	kept.Profile = profile
	m.sessions[profile] = kept
	return nil
}

// DeleteSession implements [Store].
func (m *Memory) DeleteSession(_ context.Context, profile string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, profile)
	return nil
}

// Client implements [Store].
func (m *Memory) Client(_ context.Context, profile string) (*Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.clients[profile]
	if !ok {
		return nil, nil
	}
	return &c, nil
}

// PutClient implements [Store].
func (m *Memory) PutClient(_ context.Context, profile string, c *Client) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clients == nil {
		m.clients = make(map[string]Client)
	}
	m.clients[profile] = *c
	return nil
}

// DeleteClient implements [Store].
func (m *Memory) DeleteClient(_ context.Context, profile string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.clients, profile)
	return nil
}

// Lock implements [Store], between the goroutines of this process.
func (m *Memory) Lock(ctx context.Context, profile string) (func(), error) {
	m.mu.Lock()
	if m.locks == nil {
		m.locks = make(map[string]chan struct{})
	}
	l, ok := m.locks[profile]
	if !ok {
		l = make(chan struct{}, 1)
		m.locks[profile] = l
	}
	m.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, m.wait.lockWait())
	defer cancel()
	if ctx.Err() == nil {
		select {
		case l <- struct{}{}:
			return sync.OnceFunc(func() { <-l }), nil
		case <-limited.Done():
		}
	}
	return nil, notLocked(ctx, profile, "")
}

// Writable implements [Store]: memory is.
func (m *Memory) Writable(string) error { return nil }
