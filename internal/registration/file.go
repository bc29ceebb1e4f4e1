package registration

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// File reads a metadata file, JSON or YAML: an object of members. name is for
// errors. Repeated members are refused; null takes a member out.
func File(name string, data []byte) (map[string]any, error) {
	refuse := func(err error) (map[string]any, error) {
		return nil, &fault.Error{Kind: fault.Config, ID: "registration.file", Op: "read the metadata file " + name, Err: err,
			Hint: "write one JSON or YAML object of client metadata members"}
	}
	text := bytes.TrimSpace(data)
	if !bytes.HasPrefix(text, []byte("{")) {
		var v map[string]any
		if err := yaml.Unmarshal(text, &v); err != nil {
			return refuse(err)
		}
		if v == nil {
			return refuse(errNotObject)
		}
		var err error
		if text, err = json.Marshal(v); err != nil { // a key that is no text, a number beyond JSON
			return refuse(err)
		}
	}
	if _, err := strictjson.Object(text); err != nil {
		return refuse(err)
	}
	v, err := decode(text)
	if err != nil {
		return refuse(err)
	}
	members, ok := v.(map[string]any)
	if !ok {
		return refuse(errNotObject)
	}
	return members, Check(members)
}
