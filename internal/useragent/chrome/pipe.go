package chrome

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"rely/internal/fault"
)

// A pipe carries the browser's protocol: JSON texts with a zero byte behind
// each, commands one way, answers and events the other.
type pipe struct {
	over context.Context // ends with the browser
	out  chan []byte     // texts to be sent
	// event is told each event in the order in which they come. It must not wait.
	event func(*message) error

	mu      sync.Mutex
	last    int64
	waiting map[int64]chan *message // for the answer to a command
}

// Error implements the error interface.
func (r *refusal) Error() string { return fmt.Sprintf("%s (%d)", r.Message, r.Code) }

// errEnded is of a command that the browser did not live to answer.
const errEnded fault.Cause = "the browser ended"

func newPipe(over context.Context, event func(*message) error) *pipe {
	return &pipe{over: over, out: make(chan []byte), event: event, waiting: map[int64]chan *message{}}
}

// send writes what is to be sent until the browser ends. A browser that does
// not read holds up this, and nobody who waits for an answer.
func (p *pipe) send(w io.Writer) {
	for {
		select {
		case text := <-p.out:
			if _, err := w.Write(text); err != nil {
				return // its end of the pipe is closed, which receive sees as well
			}
		case <-p.over.Done():
			return
		}
	}
}

// receive reads what the browser says until it says no more, or what is none of
// the protocol.
func (p *pipe) receive(r io.Reader) error {
	const most = 64 << 20 // a picture of the page, and then some
	texts := bufio.NewScanner(r)
	texts.Buffer(nil, most)
	texts.Split(zeroEnded)
	for texts.Scan() {
		m := &message{}
		if err := json.Unmarshal(texts.Bytes(), m); err != nil {
			return err
		}
		if m.ID == 0 {
			if err := p.event(m); err != nil {
				return err
			}
			continue
		}
		p.mu.Lock()
		answer := p.waiting[m.ID]
		delete(p.waiting, m.ID)
		p.mu.Unlock()
		if answer != nil { // else nobody waits any more
			answer <- m
		}
	}
	return texts.Err()
}

// zeroEnded implements [bufio.SplitFunc]. What follows the last zero byte was
// cut off, and is nothing.
func zeroEnded(data []byte, _ bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// command sends a command and waits for its answer.
func (p *pipe) command(ctx context.Context, to string, method string, params, result any) error {
	m := &message{Session: to, Method: method}
	var err error
	if m.Params, err = json.Marshal(params); err != nil {
		return err
	}
	answer := make(chan *message, 1)
	p.mu.Lock()
	p.last++
	m.ID = p.last
	p.waiting[m.ID] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, m.ID)
	}()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case p.out <- append(text, 0):
	case <-ctx.Done():
		return ctx.Err()
	case <-p.over.Done():
		return errEnded
	}
	select {
	case m = <-answer:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.over.Done():
		return errEnded
	}
	if m.Error != nil {
		return m.Error
	}
	return json.Unmarshal(m.Result, result)
}

// call runs a command in the tab as long as ctx and the browser live.
func call[R any](ctx context.Context, b *Browser, method string, params any) (result R, err error) {
	err = b.pipe.command(ctx, b.tab, method, params, &result)
	return result, err
}
