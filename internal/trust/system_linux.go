package trust

import (
	"fmt"
	"strings"

	"github.com/smallstep/truststore"
)

func systemTool() string {
	if len(truststore.SystemTrustCommand) == 0 {
		return ""
	}
	return truststore.SystemTrustCommand[0]
}

// systemFile is where the library puts the certificate.
func systemFile(o Options) string {
	name := o.Certificate.Subject.CommonName + " " + o.Certificate.SerialNumber.String()
	return fmt.Sprintf(truststore.SystemTrustFilename, strings.ReplaceAll(name, " ", "_"))
}

func systemSteps(o Options, install bool) []string {
	update := sudo(strings.Join(truststore.SystemTrustCommand, " "))
	if install {
		return []string{sudo("tee " + systemFile(o) + " < " + o.Path), update}
	}
	return []string{sudo("rm -f " + systemFile(o)), update}
}

func systemByHand(o Options) string {
	return "copy " + o.Path + " to /usr/local/share/ca-certificates/rely.crt and run update-ca-certificates, or what your system has for that"
}
