// Command renew is the least that a renewal can be where the refresh token
// rotates: take a lock, read the token, one request, and keep the new one so
// that a crash loses neither.
//
//	renew TOKEN-ENDPOINT CA-FILE CLIENT-ID SESSION-FILE
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
	"path/filepath"

	"github.com/gofrs/flock"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: renew TOKEN-ENDPOINT CA-FILE CLIENT-ID SESSION-FILE")
		os.Exit(2)
	}
	if err := renew(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type session struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func renew(endpoint, ca, id, file string) error {
	lock := flock.New(file + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Unlock()
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s session
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	answer, err := client.PostForm(endpoint, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.Refresh}, "client_id": {id}})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	s = session{}
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return err
	}
	if s.Access == "" || s.Refresh == "" {
		return errors.New("no tokens: " + answer.Status)
	}
	if data, err = json.Marshal(s); err != nil {
		return err
	}
	fmt.Println(s.Access)
	return keep(file, data)
}

func keep(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "session")
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
