// Package toml stands in for what viper would read and write TOML with: rely's
// files are YAML, which it reads itself. docs/decisions/0016.
package toml

import "errors"

// Marshal refuses.
func Marshal(any) ([]byte, error) { return nil, refuse() }

// Unmarshal refuses.
func Unmarshal([]byte, any) error { return refuse() }

func refuse() error { return errors.New("this program has no TOML") }
