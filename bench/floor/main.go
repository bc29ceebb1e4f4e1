// Command floor is the least that a login by forms can be: golang.org/x/oauth2
// and jwx/v2, the requests that rely makes, the ID token verified, nothing
// kept, nothing explained.
//
//	floor ISSUER CA-FILE CLIENT-ID USER PASSWORD
//
// Its last line on stdout is the CPU time of its user agent in nanoseconds.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"golang.org/x/oauth2"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: floor ISSUER CA-FILE CLIENT-ID USER PASSWORD")
		os.Exit(2)
	}
	if err := login(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func login(ctx context.Context, issuer, ca, clientID, user, password string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)

	var op struct {
		Issuer string `json:"issuer"`
		Auth   string `json:"authorization_endpoint"`
		Token  string `json:"token_endpoint"`
		JWKS   string `json:"jwks_uri"`
	}
	answer, err := client.Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&op); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	conf := oauth2.Config{ClientID: clientID, RedirectURL: "http://" + listener.Addr().String() + "/callback",
		Endpoint: oauth2.Endpoint{AuthURL: op.Auth, TokenURL: op.Token, AuthStyle: oauth2.AuthStyleInParams},
		Scopes:   []string{"openid", "profile", "email"}}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	codes := make(chan string, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("state") == state {
			codes <- r.URL.Query().Get("code")
		}
		fmt.Fprintln(w, "<p>signed in")
	})}
	go server.Serve(listener)

	// Before the walk and not during it, so that the agent's share is its own.
	keys, err := jwk.Fetch(ctx, op.JWKS, jwk.WithHTTPClient(client))
	if err != nil {
		return err
	}
	before := cpu()
	page := conf.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce))
	if err := walk(page, client.Transport, user, password); err != nil {
		return err
	}
	agent := cpu() - before

	tokens, err := conf.Exchange(ctx, <-codes, oauth2.VerifierOption(verifier))
	if err != nil {
		return err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := jwt.ParseString(raw, jwt.WithKeySet(keys), jwt.WithIssuer(op.Issuer), jwt.WithAudience(clientID), jwt.WithClaimValue("nonce", nonce))
	if err != nil {
		return err
	}
	if id.Subject() == "" {
		return errors.New("the ID token names nobody")
	}
	fmt.Printf("%s\n%d\n", id.Subject(), agent.Nanoseconds())
	return server.Shutdown(ctx)
}
