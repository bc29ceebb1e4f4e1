package registration

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/provider"
)

// backchannel says how a CIBA client learns of the end, which it has to be
// registered for (CIBA 4): by asking, which needs no address, or by a ping.
func (p *Plan) backchannel(m *provider.Metadata, w Wish) error {
	const member, address, grant = "backchannel_token_delivery_mode", "backchannel_client_notification_endpoint", "urn:openid:params:grant-type:ciba"
	mode := TextOf(p.Metadata, member)
	if types, said := texts(p.Metadata["grant_types"]); mode == "" && (!said || !slices.Contains(types, grant)) {
		return nil
	}
	var offered []string
	_ = json.Unmarshal(m.Raw[member+"s_supported"], &offered) // a provider that lists none says nothing
	f := &fault.Error{Kind: fault.Usage, ID: "registration.delivery-mode", Op: "choose how the end of a backchannel authentication is learnt", Spec: "CIBA 4",
		Hint: "use --backchannel-token-delivery-mode poll or ping"}
	switch {
	case mode == "":
		mode = "poll"
		p.choose(member, mode, "asks until the person has decided; ping needs an address that the provider reaches")
	case mode == "push":
		f.Spec, f.Err = "CIBA 5, 10.3", errors.New("rely takes no pushed tokens: whoever reaches the notification endpoint could bring some, and nothing would prove the client")
		return f
	case mode != "poll" && mode != "ping":
		f.Err = fmt.Errorf("%q is no delivery mode", mode)
		return f
	}
	if len(offered) > 0 && !slices.Contains(offered, mode) {
		f.Kind, f.Err, f.Hint = fault.Config, fmt.Errorf("the provider offers the delivery modes %q, not %s", offered, mode), "use another --backchannel-token-delivery-mode"
		return f
	}
	if mode != "ping" {
		return nil
	}
	if _, said := p.Metadata[address]; !said && len(w.Ports) > 0 {
		p.choose(address, fmt.Sprintf("https://127.0.0.1:%d/ciba", w.Ports[0]), "on loopback, with a fixed port: for a provider on this machine, or behind a tunnel to it")
	}
	if uri := TextOf(p.Metadata, address); !strings.HasPrefix(uri, "https://") {
		f.Err, f.Hint = fmt.Errorf("the notification endpoint %q is no https address", uri), "write it as --backchannel-client-notification-endpoint https://127.0.0.1:8910/ciba"
		return f
	}
	return nil
}
