// Command post is the least that a machine's token can cost: one request to
// the token endpoint.
//
//	post TOKEN-ENDPOINT CA-FILE CLIENT-ID SECRET-FILE
//
// CA-FILE is empty for plain HTTP.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: post TOKEN-ENDPOINT CA-FILE CLIENT-ID SECRET-FILE")
		os.Exit(2)
	}
	if err := post(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func post(endpoint, ca, id, file string) error {
	secret, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(strings.TrimSpace(string(secret))))
	answer, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		return err
	}
	if token.Access == "" {
		return errors.New("no token: " + answer.Status)
	}
	fmt.Println(token.Access)
	return nil
}
