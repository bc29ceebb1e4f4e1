package ops

import (
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/flows"
)

var update = flag.Bool("update", false, "rewrite docs/reference/matrix.md")

// matrixPage is the page that TestMatrix writes and compares.
const matrixPage = "../../docs/reference/matrix.md"

// How a combination ends. Nothing is left out: where there is nothing to send,
// what rely says instead of sending it is what is recorded.
const (
	works      = "works"
	refused    = "refused"     // by the provider, in its own words
	notOffered = "not offered" // by its metadata, which rely goes by, or by its own words
	broken     = "broken"      // there, and why: an entry of breakages
	unknown    = "UNKNOWN"     // nobody has looked at this yet; fails the test
)

// An outcome is one cell of the matrix.
type outcome struct{ status, why string }

// A cell says which combination an outcome belongs to.
type cell struct{ place, row, column string }

// A matrix is what the runs brought, from many goroutines.
type matrix struct {
	t     *testing.T
	mu    sync.Mutex
	cells map[cell]outcome
	used  map[int]bool // which of the breakages were met
}

// TestMatrix runs every flow with every way to prove the client, and every
// protection, at every provider that we have: the embedded one as its own
// process, and two that we did not write. What comes out has to be what
// docs/reference/matrix.md says.
func TestMatrix(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	m := &matrix{t: t, cells: map[cell]outcome{}, used: map[int]bool{}}
	var group sync.WaitGroup
	limit := make(chan struct{}, 8) // most of a run is waiting for the provider
	places := places(t)
	for _, p := range places {
		for _, work := range p.work(m) {
			group.Go(func() {
				if !p.serial { // which limits itself
					limit <- struct{}{}
					defer func() { <-limit }()
				}
				work()
			})
		}
	}
	group.Wait()
	m.complete(places)
	got := m.page(places)
	if *update && !t.Failed() {
		if err := os.WriteFile(matrixPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(matrixPage)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := differing(string(want), got); diff != "" {
		t.Errorf("docs/reference/matrix.md is not what the runs bring; look at each difference, then renew it as docs/contributing.md says:\n%s", diff)
	}
}

// rows are the flows, and of those with response types each of them.
func rows() []row {
	var out []row
	for _, f := range flows.All() {
		if len(f.Types) < 2 {
			out = append(out, row{flow: f})
			continue
		}
		for _, kind := range f.Types {
			out = append(out, row{flow: f, kind: kind})
		}
	}
	return out
}

// A row is a flow, and the response type where there are several.
type row struct {
	flow flows.Entry
	kind string
}

func (r row) name() string { return strings.TrimSpace(r.flow.Name + " " + r.kind) }

// note keeps an outcome. What failed in a way that nobody has explained yet
// fails the test.
func (m *matrix) note(c cell, p *place, r result) {
	m.t.Helper()
	o := m.judge(c, p, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[c] = o
	m.t.Logf("%s, %s, %s: %s %s", c.place, c.row, c.column, o.status, o.why)
	if o.status == unknown {
		m.t.Errorf("%s, %s, %s: rely %s: got exit code %d, want it to work or a reason in the table of breakages\n%s",
			c.place, c.row, c.column, strings.Join(r.args, " "), r.code, r.stderr)
	}
}

// judge tells the outcome of a run from its exit code and error.
func (m *matrix) judge(c cell, p *place, r result) outcome {
	if r.code == 0 {
		return outcome{status: works}
	}
	said := p.plain(message(r))
	for i, b := range breakages() {
		if b.matches(c, said) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.used[i] = true
			return outcome{cmp.Or(b.status, broken), b.why}
		}
	}
	switch fault.Kind(r.code) {
	case fault.Config:
		return outcome{notOffered, said}
	case fault.Denied:
		if unsupported.MatchString(said) {
			return outcome{notOffered, said}
		}
		return outcome{refused, said}
	}
	return outcome{unknown, said}
}

// unsupported is a provider that says it has no such thing (RFC 6749 5.2, 4.1.2.1).
var unsupported = regexp.MustCompile(`unsupported_(grant|response)_type`)

// message is the error that rely wrote as JSON.
func message(r result) string {
	for line := range strings.Lines(r.stderr) {
		var told struct{ Error struct{ Message string } }
		if strings.HasPrefix(line, `{"schema":"error/1"`) && json.Unmarshal([]byte(line), &told) == nil {
			return told.Error.Message
		}
	}
	return strings.TrimSpace(r.stderr)
}

// complete fails the test where a combination was left out, or where an
// explanation explains nothing any more.
func (m *matrix) complete(places []*place) {
	m.t.Helper()
	for _, p := range places {
		for _, r := range rows() {
			for _, method := range clientauth.All() {
				m.there(cell{p.name, r.name(), method.Name})
			}
		}
		for _, protection := range protections() {
			m.there(cell{p.name, protection.name, ""})
		}
	}
	for i, b := range breakages() {
		if !m.used[i] {
			m.t.Errorf("nothing is broken any more as the table of breakages says: %+v", b)
		}
	}
}

func (m *matrix) there(c cell) {
	m.t.Helper()
	if _, ok := m.cells[c]; !ok {
		m.t.Errorf("%s, %s, %s: not run", c.place, c.row, c.column)
	}
}

// differing are the lines that only one of two pages has.
func differing(want, got string) string {
	var out strings.Builder
	was, is := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	if out.Len() == 0 && want != got {
		return "the same lines in another order\n"
	}
	return out.String()
}
