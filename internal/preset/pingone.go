package preset

import (
	"fmt"
	"strings"
)

func pingone() Preset {
	return Preset{
		Name: "pingone", Help: "PingOne",
		Params: []Param{
			{Name: "environment-id", Help: "identifier of the environment (a UUID)", Required: true, Kind: Word},
			{Name: "region", Help: "region: na, ca, eu, au, sg or ap, or its top-level domain", Default: "na", Kind: Word},
		},
		Facts: []Fact{
			{"The issuer is https://auth.pingone.TLD/ENVIRONMENT-ID/as.", "https://developers.qodex.ai/pingone/pingone-platform-api-with-documentation/authorization-and-authentication-apis-openid-connect-oauth-2-1/discovery-openid-configuration-1"},
			{"The top-level domain is com in North America, ca in Canada, eu in Europe, com.au in Australia, sg in Singapore, and asia for older customers in Asia-Pacific.", "https://developer.pingidentity.com/pingone-api/workflow-library/using-postman-workflow-collections/using-the-pingone-postman-environment.html"},
			{"An environment with a custom domain has its issuer there: give it as the issuer in place of the preset (not confirmed).", "https://docs.pingidentity.com/pingone/integrations/p1_discovery_document_uri.html"},
			{"The application's token endpoint authentication method is one of several; where --client-auth is not given, rely takes the first that the metadata lists, client_secret_basic (not confirmed for every application).", "https://developers.qodex.ai/pingone/pingone-platform-api-with-documentation/authorization-and-authentication-apis-openid-connect-oauth-2-1/discovery-openid-configuration-1"},
		},
		Apply: applyPingone,
	}
}

func applyPingone(v Values) (Settings, error) {
	tld := ""
	switch region := strings.ToLower(v["region"]); region {
	case "na", "com":
		tld = "com"
	case "ca", "eu", "sg":
		tld = region
	case "au", "com.au":
		tld = "com.au"
	case "ap", "asia":
		tld = "asia"
	default:
		return nil, fmt.Errorf("region is %q, which is none of PingOne's", region)
	}
	return issuer("https://auth.pingone." + tld + "/" + v["environment-id"] + "/as"), nil
}
