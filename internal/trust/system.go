package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/smallstep/truststore"

	"rely/internal/fault"
)

// system is the operating system's own store, for programs such as curl, and
// on macOS and Windows for browsers too.
func system() Entry {
	return Entry{
		Name: "system", Help: "the operating system's store",
		Trusted: inSystem,
		Steps: func(o Options, install bool) ([]string, error) {
			if err := systemPossible(o); err != nil {
				return nil, err
			}
			return systemSteps(o, install), nil
		},
		Install: func(o Options) error {
			if err := truststore.InstallFile(o.Path); err != nil {
				return failed("install the certificate in the system's store", err, "do it by hand: "+systemByHand(o))
			}
			return nil
		},
		Uninstall: func(o Options) error {
			if err := truststore.UninstallFile(o.Path); err != nil && !errors.Is(err, truststore.ErrNotFound) {
				return failed("remove the certificate from the system's store", err, "remove it by hand: its name is "+o.Certificate.Subject.CommonName)
			}
			return nil
		},
	}
}

// inSystem verifies the authority as any program would verify a server.
func inSystem(o Options) (bool, error) {
	_, err := o.Certificate.Verify(x509.VerifyOptions{CurrentTime: o.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil, nil
}

func systemPossible(o Options) error {
	const op = "open the system's store"
	tool := systemTool()
	if tool == "" {
		return &fault.Error{Kind: fault.Config, ID: "trust.unsupported", Op: op, Err: fmt.Errorf("rely does not know the store of this system (%s)", runtime.GOOS),
			Hint: "do it by hand: " + systemByHand(o)}
	}
	if _, err := exec.LookPath(tool); err != nil && runtime.GOOS != "windows" {
		return &fault.Error{Kind: fault.Config, ID: "trust.no-tool", Op: op, Err: fmt.Errorf("the program %s is not there", tool),
			Hint: "install it (Debian: ca-certificates), or do it by hand: " + systemByHand(o)}
	}
	if os.Geteuid() <= 0 {
		return nil // root, or Windows, which asks by itself
	}
	_, err := exec.LookPath("sudo")
	if err != nil || o.NoPrompt {
		return &fault.Error{Kind: fault.Config, ID: "trust.rights", Op: op, Err: errors.New("that is for the administrator, and sudo cannot be asked"),
			Hint: "run it as root on this certificate: " + systemByHand(o) + "; or give --only browsers"}
	}
	return nil
}

// sudo is how the library runs a program.
func sudo(command string) string {
	if _, err := exec.LookPath("sudo"); err == nil {
		return "sudo " + command
	}
	return command
}
