package preset

import (
	"errors"
	"fmt"
	"strings"
)

func cognito() Preset {
	return Preset{
		Name: "cognito", Help: "Amazon Cognito user pools",
		Params: []Param{
			{Name: "user-pool-id", Help: "identifier of the user pool, as us-east-1_1a2b3c4d5", Required: true, Kind: Word},
			{Name: "region", Help: "region, where it is not what the identifier begins with", Kind: Word},
			{Name: "issuer-type", Help: "issuer type of the user pool: original or updated", Default: "original", Kind: Word},
		},
		Facts: []Fact{
			{"The issuer is https://cognito-idp.REGION.amazonaws.com/ID, and https://issuer-cognito-idp.REGION.amazonaws.com/ID for user pools of the issuer type UPDATED.", "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_IssuerConfigurationType.html"},
			{"A callback URL has to be https, or http://localhost; http://127.0.0.1 is not taken.", "https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-app-idp-settings.html"},
			{"The redirect URI has to be registered to the character, also the port and a slash at its end: give it with --redirect-uri (that no port is ignored is not confirmed).", "https://stackoverflow.com/questions/50264679/aws-cognito-unauthorized-client-error-when-hitting-oauth2-token"},
		},
		Apply: applyCognito,
	}
}

func applyCognito(v Values) (Settings, error) {
	id, region := v["user-pool-id"], v["region"]
	before, _, found := strings.Cut(id, "_")
	switch {
	case !found || before == "":
		return nil, fmt.Errorf("user-pool-id is %q, which does not begin with the region and an underscore", id)
	case region == "":
		region = before
	}
	host := "cognito-idp."
	switch v["issuer-type"] {
	case "original":
	case "updated":
		host = "issuer-cognito-idp."
	default:
		return nil, errors.New("issuer-type is neither original nor updated")
	}
	return issuer("https://" + host + region + ".amazonaws.com/" + id), nil
}
