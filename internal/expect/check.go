package expect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rely/internal/strictjson"
)

// A Result is what came of one expectation.
type Result struct {
	Text   string `json:"expect"`
	Holds  bool   `json:"holds"`
	Actual string `json:"actual,omitempty"` // the claim as it is in JSON; empty where it is missing
	Why    string `json:"why,omitempty"`    // why it does not hold, where that is not plain from Actual
}

// Check compares claims with the expectation. now is for dates.
func (e Expectation) Check(claims map[string]json.RawMessage, now time.Time) Result {
	r := Result{Text: e.Text}
	got, there, why := e.find(claims)
	if there {
		r.Actual = string(got)
	}
	switch {
	case e.op.Sign == "missing":
		r.Holds = !there
		return r
	case !there:
		r.Why = why
		return r
	case e.op.Sign == "exists":
		r.Holds = true
		return r
	}
	if e.moment != nil {
		e.want = json.RawMessage(strconv.FormatInt(now.Add(*e.moment).Unix(), 10))
	}
	holds, err := e.op.compare(got, e.want, &e)
	if r.Holds = holds; err != nil {
		r.Why = err.Error()
	}
	return r
}

// find follows the path into the claims; why says where it ended.
func (e Expectation) find(claims map[string]json.RawMessage) (value json.RawMessage, there bool, why string) {
	value, there = claims[e.path[0].name]
	if !there {
		return nil, false, fmt.Sprintf("there is no claim %q", e.path[0].name)
	}
	for _, p := range e.path[1:] {
		if p.index >= 0 {
			list, err := strictjson.Array(value, 1<<20)
			if err != nil || p.index >= len(list) {
				return nil, false, fmt.Sprintf("there is no list with an element %d", p.index)
			}
			value = list[p.index]
			continue
		}
		members, err := strictjson.Object(value)
		if err != nil {
			return nil, false, fmt.Sprintf("there is no object with a member %q", p.name)
		}
		if value, there = members[p.name]; !there {
			return nil, false, fmt.Sprintf("there is no member %q", p.name)
		}
	}
	return value, true, ""
}

func not(f func(got, want json.RawMessage, e *Expectation) (bool, error)) func(got, want json.RawMessage, e *Expectation) (bool, error) {
	return func(got, want json.RawMessage, e *Expectation) (bool, error) {
		holds, err := f(got, want, e)
		return !holds && err == nil, err
	}
}

// equal compares values, not their spelling: 1 is 1.0, members have no order.
func equal(got, want json.RawMessage, _ *Expectation) (bool, error) {
	return canonical(got) == canonical(want), nil
}

// canonical is one spelling of a value, numbers exact as far as they are
// written alike.
func canonical(raw json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	js, err := json.Marshal(numbers(v))
	if err != nil {
		return string(raw)
	}
	return string(js)
}

// numbers takes 1.0 and 1e0 for 1.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		for n := range v {
			v[n] = numbers(v[n])
		}
	case map[string]any:
		for name := range v {
			v[name] = numbers(v[name])
		}
	}
	return v
}

func matches(got, _ json.RawMessage, e *Expectation) (bool, error) {
	var text string
	if got[0] != '"' || json.Unmarshal(got, &text) != nil {
		return false, errors.New("it is no text")
	}
	return e.pattern.MatchString(text), nil
}

func number(holds func(int) bool) func(got, want json.RawMessage, e *Expectation) (bool, error) {
	return func(got, want json.RawMessage, _ *Expectation) (bool, error) {
		a, err := strconv.ParseFloat(string(got), 64)
		if err != nil {
			return false, errors.New("it is no number")
		}
		b, err := strconv.ParseFloat(string(want), 64)
		if err != nil {
			return false, errors.New("it is compared with what is no number")
		}
		return holds(cmp.Compare(a, b)), nil
	}
}

func contains(got, want json.RawMessage, _ *Expectation) (bool, error) {
	var part string
	isText := want[0] == '"' && json.Unmarshal(want, &part) == nil
	switch got[0] {
	case '[':
		list, err := strictjson.Array(got, 1<<20)
		if err != nil {
			return false, errors.New("the list cannot be read")
		}
		for _, item := range list {
			if canonical(item) == canonical(want) {
				return true, nil
			}
		}
		return false, nil
	case '{':
		members, err := strictjson.Object(got)
		_, there := members[part]
		return there && isText && err == nil, nil
	case '"':
		var text string
		if json.Unmarshal(got, &text) != nil || !isText {
			return false, errors.New("a text contains texts alone")
		}
		return strings.Contains(text, part), nil
	}
	return false, errors.New("it is neither a list, an object nor a text")
}
