// Command probe is the least that an examination can be: the discovery
// document and the keys, fetched once.
//
//	probe ISSUER CA-FILE
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: probe ISSUER CA-FILE")
		os.Exit(2)
	}
	if err := probe(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func probe(issuer, ca string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	var op struct {
		JWKS string `json:"jwks_uri"`
	}
	answer, err := client.Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&op); err != nil {
		return err
	}
	keys, err := client.Get(op.JWKS)
	if err != nil {
		return err
	}
	defer keys.Body.Close()
	_, err = io.Copy(io.Discard, keys.Body)
	return err
}
