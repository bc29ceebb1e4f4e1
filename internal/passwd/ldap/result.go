package ldap

// Result codes that decide what to try next (RFC 4511 4.1.9, appendix A).
const (
	ConstraintViolation      = 19
	InvalidCredentials       = 49
	InsufficientAccessRights = 50
	UnwillingToPerform       = 53
)

// PasswordTooYoung is the policy's error for a change too soon after the last.
const PasswordTooYoung = 7

// Name is the code as RFC 4511 names it; "result" for those that a bind or an
// extended operation does not give.
func (r *Result) Name() string {
	for _, c := range codes() {
		if c.code == r.Code {
			return c.name
		}
	}
	return "result"
}

// PolicyError is the policy's error in words; empty where there is none.
func (r *Result) PolicyError() string {
	words := []string{"password expired", "account locked", "the password must be changed after a reset", "the policy lets nobody change it",
		"the policy wants the old password with the new one", "the password fails the policy's quality checks",
		"the password is too short for the policy", "the password was changed too recently", "the new password is in the list of old ones"}
	if r.Policy < 0 || r.Policy >= len(words) {
		return ""
	}
	return words[r.Policy]
}

type code struct {
	code int
	name string
}

func codes() []code {
	return []code{{1, "operationsError"}, {2, "protocolError"}, {3, "timeLimitExceeded"}, {7, "authMethodNotSupported"},
		{8, "strongerAuthRequired"}, {10, "referral"}, {11, "adminLimitExceeded"}, {12, "unavailableCriticalExtension"},
		{13, "confidentialityRequired"}, {14, "saslBindInProgress"}, {16, "noSuchAttribute"}, {ConstraintViolation, "constraintViolation"},
		{32, "noSuchObject"}, {34, "invalidDNSyntax"}, {48, "inappropriateAuthentication"}, {InvalidCredentials, "invalidCredentials"},
		{InsufficientAccessRights, "insufficientAccessRights"}, {51, "busy"}, {52, "unavailable"},
		{UnwillingToPerform, "unwillingToPerform"}, {65, "objectClassViolation"}, {80, "other"}}
}

// result reads an answer; nil is success. A notice of disconnection (RFC 4511
// 4.4.1) has number 0 and is a result as well.
func result(body []byte, id int, answer byte) error {
	n, rest, err := want(tagInteger, body)
	if err != nil {
		return err
	}
	got, err := number(n)
	if err != nil {
		return err
	}
	tag, op, rest, err := next(rest)
	if err != nil || !(tag == answer && got == id || tag == tagExtendedResponse && got == 0) {
		return errMalformed
	}
	r := &Result{Policy: -1}
	code, op, err := want(tagEnumerated, op)
	if err != nil {
		return err
	}
	if r.Code, err = number(code); err != nil {
		return err
	}
	if _, op, err = want(tagOctets, op); err != nil { // matchedDN
		return err
	}
	words, _, err := want(tagOctets, op)
	if err != nil {
		return err
	}
	r.Message = string(words)
	if r.Code == 0 && got == id {
		return nil
	}
	r.Policy = policyError(rest)
	return r
}

// policyError finds the policy's error in the controls (draft-behera-ldap-
// password-policy 6.2); -1 where there is none, or nothing that can be read.
func policyError(data []byte) int {
	controls, _, err := want(tagControls, data)
	for err == nil && len(controls) > 0 {
		var control, kind, value []byte
		if control, controls, err = want(tagSequence, controls); err != nil {
			break
		}
		if kind, control, err = want(tagOctets, control); err != nil || string(kind) != passwordPolicy {
			continue
		}
		tag, contents, rest, err := next(control)
		if err == nil && tag == tagBoolean { // criticality
			contents, _, err = want(tagOctets, rest)
		}
		if err == nil {
			value, _, err = want(tagSequence, contents)
		}
		for err == nil && len(value) > 0 {
			if tag, contents, value, err = next(value); err == nil && tag == tagContext1 && len(contents) == 1 {
				return int(contents[0])
			}
		}
		return -1
	}
	return -1
}
