package ops

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// decidesByForm is alice with her own device at oidc-provider.
func (p *place) decidesByForm(binding string) error {
	client, err := visitor(p.ca)
	if err != nil {
		return err
	}
	var asked []struct {
		ID      string `json:"auth_req_id"`
		Message string `json:"binding_message"`
	}
	if err := fetch(client, p.issuer+"/ciba", &asked); err != nil {
		return err
	}
	for _, a := range asked {
		if a.Message == binding {
			answer, err := client.PostForm(p.issuer+"/ciba", url.Values{"login": {"alice"}, "password": {p.password}, "auth_req_id": {a.ID}})
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
	}
	return fmt.Errorf("got %d requests, want one with the message %q", len(asked), binding)
}

// decidesInList is alice at glewlwyd, which lists what waits for her.
func (p *place) decidesInList(binding string) error {
	client, err := visitor(p.ca)
	if err != nil {
		return err
	}
	if err := call(client, http.MethodPost, p.api+"/auth/", map[string]string{"username": "alice", "password": p.password}); err != nil {
		return err
	}
	var asked []struct {
		Message string `json:"binding_message"`
		Connect string `json:"connect_uri"`
		Client  string `json:"client_id"`
	}
	if err := fetch(client, p.issuer+"/ciba_user_list", &asked); err != nil {
		return err
	}
	for _, a := range asked {
		if a.Message == binding {
			if err := call(client, http.MethodPut, p.api+"/auth/grant/"+a.Client+"/", map[string]string{"scope": "openid"}); err != nil {
				return err
			}
			_, err := redirected(client, a.Connect+"&g_continue")
			return err
		}
	}
	return fmt.Errorf("got %d requests, want one with the message %q", len(asked), binding)
}

// asking runs rely and lets the person decide as soon as it says that it waits.
func (h *home) asking(decide func() error, args ...string) result {
	cmd := h.command(h.t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout = &stdout
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return h.ended(args, err, "", "")
	}
	var once sync.Once
	lines := bufio.NewReader(io.TeeReader(said, &stderr))
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, "waiting for") {
			once.Do(func() {
				if err := decide(); err != nil {
					h.t.Errorf("the person could not decide: %v", err)
				}
			})
		}
		if err != nil {
			break
		}
	}
	return h.ended(args, cmd.Wait(), stdout.String(), stderr.String())
}
