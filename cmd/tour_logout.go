package cmd

import (
	"context"
	"strings"

	protocol "rely/internal/logout"
)

// signOut ends the demo's session as "rely logout" does; what it says is part
// of the story.
func (t *tour) signOut(ctx context.Context) error {
	t.next("Sign alice out", "OIDC RP-Initiated Logout, RFC 7009")
	l := &logout{invocation: t.inside, story: t.tell, waitFront: t.told("frontchannel"), waitBack: t.told("backchannel")}
	_, err := l.end(ctx)
	return err
}

// told reports whether the fault is in a notice that comes by this channel.
func (t *tour) told(channel string) bool { return t.broken != nil && t.broken.Needs == channel }

// wishes registers what a fault shows up with only.
func (t *tour) wishes(metadata map[string]any, redirect string) {
	t.notices(metadata, redirect)
	if t.broken != nil && t.broken.Needs == "signed" {
		metadata["userinfo_signed_response_alg"] = "ES256"
	}
	if t.flow().Elsewhere {
		metadata["backchannel_token_delivery_mode"] = "poll"
	}
	if t.needs("ciba-ping") {
		_, host, _ := strings.Cut(protocol.Origin(redirect), "://")
		metadata["backchannel_token_delivery_mode"], metadata["backchannel_client_notification_endpoint"] = "ping", "https://"+host+"/ciba"
	}
}

// notices registers where a fault in a notice shows: on the port that the
// browser comes back to.
func (t *tour) notices(metadata map[string]any, redirect string) {
	for _, channel := range []string{"frontchannel", "backchannel"} {
		if t.told(channel) {
			metadata[channel+"_logout_uri"] = protocol.Origin(redirect) + "/" + channel
		}
	}
}
