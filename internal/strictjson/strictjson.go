// Package strictjson reads JSON that strangers wrote: exactly one value, valid
// UTF-8, no byte order mark, no repeated member names, bounded depth. It
// refuses what encoding/json lets pass in silence and decodes nothing into
// structs, whose fields encoding/json also fills from names in another case.
package strictjson

import (
	"encoding/json"
	"fmt"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 64

// Check reports whether data is exactly one JSON value in valid UTF-8, without
// a byte order mark, without repeated member names in any object (RFC 8259 4,
// RFC 7519 4) and at most [MaxDepth] deep. Two names are the same when they
// are equal after their escapes are resolved. The error says what is wrong and
// at which byte, counted from 0, and quotes at most 64 bytes of a name.
func Check(data []byte) error { return scan(data, nil) }

// Object is [Check] for data that must be an object. The values share memory
// with data; a member whose value is null is there.
func Object(data []byte) (map[string]json.RawMessage, error) {
	all := make(map[string]json.RawMessage, min(len(data)/64, 56))
	err := scan(data, func(depth int, name, value span) bool {
		if depth == 1 {
			all[string(name.text(data))] = data[value.from:value.to:value.to]
		}
		return true
	})
	if err == nil {
		err = want(data, "an object")
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Array is [Check] for data that must be an array, of at most most elements.
// The elements share memory with data.
func Array(data []byte, most int) ([]json.RawMessage, error) {
	var all []json.RawMessage
	err := scan(data, func(depth int, _, value span) bool {
		if depth == 1 {
			all = append(all, data[value.from:value.to:value.to])
		}
		return len(all) <= most
	})
	if err != nil {
		return nil, err
	}
	return array(data, all, most)
}

// ArrayIn is [Check], and [Array] for the member name of the object that data
// is. It is not found in data that is no such object, or wrong.
func ArrayIn(data []byte, name string, most int) (all []json.RawMessage, found bool, err error) {
	var member span
	err = scan(data, func(depth int, called, value span) bool {
		switch {
		case member.to > 0:
		case depth == 2 && len(all) <= most:
			all = append(all, data[value.from:value.to:value.to])
		case depth == 1 && string(called.text(data)) == name:
			member = value
		case depth == 1:
			all = all[:0]
		}
		return true
	})
	if err != nil || member.to == 0 {
		return nil, false, err
	}
	all, err = array(data[member.from:member.to], all, most)
	return all, true, err
}

// array refuses data that is no array, or has too many elements.
func array(data []byte, all []json.RawMessage, most int) ([]json.RawMessage, error) {
	if err := want(data, "an array"); err != nil {
		return nil, err
	}
	if len(all) > most {
		return nil, fmt.Errorf("it has more than %d elements", most)
	}
	return all, nil
}

// Lookup finds a member of an object in text that [Check] has passed, without
// building a map. It reports false for a missing member and for text that is
// no object. The value shares memory with data.
func Lookup(data []byte, name string) (value json.RawMessage, found bool) {
	_ = scan(data, func(depth int, called, v span) bool {
		if depth == 1 && called.to > 0 && string(called.text(data)) == name {
			value, found = data[v.from:v.to:v.to], true
		}
		return !found
	})
	return value, found
}

// Read gives *into, a string, a list of strings or a bool, what data has, a
// value out of text that [Check] has passed. As with [json.Unmarshal], null
// leaves it as it is and is "" in a list. It reports false, and changes
// nothing, for another type and for no data.
func Read(data []byte, into any) bool {
	if string(data) == "null" {
		return true
	}
	switch into := into.(type) {
	case *string:
		s := scanner{data: data}
		if s.text(0) != len(data) {
			return false
		}
		*into = string(unquote(data))
		return true
	case *bool:
		if string(data) != "true" && string(data) != "false" {
			return false
		}
		*into = data[0] == 't'
		return true
	case *[]string:
		elements, err := Array(data, len(data))
		if err != nil {
			return false
		}
		list := make([]string, len(elements))
		for i, element := range elements {
			if !Read(element, &list[i]) {
				return false
			}
		}
		*into = list
		return true
	}
	return false
}

// want refuses text of another kind, an object or an array.
func want(data []byte, what string) error {
	s, kind := scanner{data: data}, "a number"
	switch data[s.space(0)] {
	case '{':
		kind = "an object"
	case '[':
		kind = "an array"
	case '"':
		kind = "a string"
	case 't', 'f':
		kind = "true or false"
	case 'n':
		kind = "null"
	}
	if kind == what {
		return nil
	}
	return fmt.Errorf("it is %s, not a JSON %s", kind, what[3:])
}
