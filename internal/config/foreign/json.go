package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"rely/internal/strictjson"
)

// parseJSON gives the members of the object that data is, in their order, with
// the line that each begins on.
func (r *reader) parseJSON(data []byte) ([]value, error) {
	if err := strictjson.Check(data); err != nil {
		line := 0
		var bad *json.SyntaxError
		if errors.As(json.Unmarshal(data, new(any)), &bad) {
			line = 1 + bytes.Count(data[:bad.Offset], []byte("\n"))
		}
		return nil, r.refuse(line, "", err)
	}
	d := &document{data: data, Decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	d.UseNumber()
	if start, _ := d.Token(); start != json.Delim('{') {
		return nil, r.refuse(1, "", errors.New("it is no JSON object"))
	}
	return d.object(), nil
}

// A document is JSON that strictjson has passed, so that no token can be wrong
// and nothing is nested deeply.
type document struct {
	*json.Decoder
	data []byte
	line int
	at   int64 // how far line counts
}

// object reads members up to the closing brace.
func (d *document) object() []value {
	var all []value
	for d.More() {
		key, _ := d.Token()
		v := value{key: fmt.Sprint(key)}
		to := d.InputOffset()
		d.line += bytes.Count(d.data[d.at:to], []byte("\n"))
		d.at, v.line = to, d.line
		d.content(&v)
		all = append(all, v)
	}
	_, _ = d.Token()
	return all
}

// content reads one value: a text, a list of texts, or an object.
func (d *document) content(v *value) {
	switch token, _ := d.Token(); token {
	case json.Delim('{'):
		v.members = append([]value{}, d.object()...) // {} is an object, too
	case json.Delim('['):
		for d.More() {
			item := value{}
			d.content(&item)
			if item.members != nil || len(item.texts) != 1 {
				v.odd = "it is no list of texts"
			}
			v.texts = append(v.texts, item.texts...)
		}
		_, _ = d.Token()
	case nil: // null says nothing
	default:
		if text := fmt.Sprint(token); text != "" {
			v.texts = []string{text}
		}
	}
}
