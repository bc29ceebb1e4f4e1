package trust

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/smallstep/truststore"

	"rely/internal/fault"
)

// browsers are the certificate databases of the person's Firefox, Chromium and
// their like (NSS).
func browsers() Entry {
	return Entry{
		Name: "browsers", Help: "the databases of Firefox and, on Linux, Chromium",
		Trusted:   inBrowsers,
		Steps:     browserSteps,
		Install:   intoBrowsers,
		Uninstall: outOfBrowsers,
	}
}

// profiles are patterns for folders with a database. The library looks into
// ~/.pki/nssdb besides.
func profiles(home string) []string {
	all := []string{truststore.NSSProfile}
	if runtime.GOOS == "linux" && home != "" {
		for _, p := range []string{
			".local/share/pki/nssdb", ".config/mozilla/firefox/*",
			"snap/firefox/common/.mozilla/firefox/*", "snap/chromium/current/.pki/nssdb",
			".var/app/org.mozilla.firefox/.mozilla/firefox/*",
		} {
			all = append(all, filepath.Join(home, p))
		}
	}
	return all
}

// databases are the folders that have one.
func databases(home string) []string {
	var out []string
	for _, pattern := range append(profiles(home), filepath.Join(home, ".pki", "nssdb")) {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			for _, file := range []string{"cert9.db", "cert8.db"} {
				if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
					out = append(out, dir)
					break
				}
			}
		}
	}
	return out
}

// each calls do for every group of databases that the library can be pointed
// at.
func each(home string, do func(*truststore.NSSTrust) error) error {
	t, err := nss()
	if err != nil {
		return err
	}
	usual := truststore.NSSProfile
	defer func() { truststore.NSSProfile = usual }()
	var all []error
	for _, pattern := range profiles(home) {
		truststore.NSSProfile = pattern
		if t.PreCheck() == nil {
			all = append(all, do(t))
		}
	}
	return errors.Join(all...)
}

func nss() (*truststore.NSSTrust, error) {
	t, err := truststore.NewNSSTrust()
	if err == nil {
		return t, nil
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "trust.no-certutil", Op: "open the browsers' databases", Err: errors.New("the program certutil (of NSS) is not there"),
		Hint: "install libnss3-tools (Debian), nss-tools (Fedora) or nss (Homebrew), or import the file that \"rely trust show\" names in the browser's settings, for websites"}
}

// none reports whether there is nothing to do for browsers here: Windows keeps
// one store for all.
func none(home string) bool { return runtime.GOOS == "windows" || home == "" }

func inBrowsers(o Options) (bool, error) {
	if none(o.Home) || len(databases(o.Home)) == 0 {
		return false, nil
	}
	trusted := true
	err := each(o.Home, func(t *truststore.NSSTrust) error {
		trusted = trusted && t.Exists(o.Certificate)
		return nil
	})
	return trusted && err == nil, err
}

func browserSteps(o Options, install bool) ([]string, error) {
	if none(o.Home) {
		return nil, nil
	}
	found := databases(o.Home)
	if !install && len(found) == 0 {
		return nil, nil
	}
	if _, err := nss(); err != nil {
		return nil, err
	}
	var steps []string
	if len(found) == 0 {
		if runtime.GOOS != "linux" {
			return nil, nil
		}
		found = []string{fresh(o.Home)}
		steps = append(steps, "certutil -N --empty-password -d sql:"+found[0])
	}
	for _, dir := range found {
		what := "certutil -D -d " + dir
		if install {
			what = "certutil -A -t C,, -d " + dir + " -i " + o.Path
		}
		steps = append(steps, what)
	}
	return steps, nil
}

// fresh is where Chromium keeps its database once it has one.
func fresh(home string) string { return filepath.Join(home, ".pki", "nssdb") }

func intoBrowsers(o Options) error {
	if none(o.Home) {
		return nil
	}
	if len(databases(o.Home)) == 0 && runtime.GOOS == "linux" {
		dir := fresh(o.Home)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return failed("make the browsers' database", err, "start the browser once, then try again")
		}
		if out, err := exec.Command("certutil", "-N", "--empty-password", "-d", "sql:"+dir).CombinedOutput(); err != nil {
			return failed("make the browsers' database", fmt.Errorf("%w: %s", err, out), "start the browser once, then try again")
		}
	}
	err := each(o.Home, func(t *truststore.NSSTrust) error {
		if t.Exists(o.Certificate) {
			return nil
		}
		return t.Install(o.Path, o.Certificate)
	})
	return worded("install the certificate in the browsers' databases", err)
}

func outOfBrowsers(o Options) error {
	if none(o.Home) || len(databases(o.Home)) == 0 {
		return nil
	}
	err := each(o.Home, func(t *truststore.NSSTrust) error { return t.Uninstall(o.Path, o.Certificate) })
	return worded("remove the certificate from the browsers' databases", err)
}

func worded(op string, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return failed(op, err, "close the browser and try again, or do it in its settings, under certificates")
}
