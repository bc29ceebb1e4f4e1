package archtest

import (
	"fmt"
	"strconv"
	"strings"
)

// levels is the picture: a package imports packages of a lower level only. A
// sub-package stands where its parent stands.
func levels() [][]string {
	return [][]string{
		1: {"fault", "secret", "strictjson", "start"},
		2: {"wire", "param", "jose", "atomicfile", "markup", "totp", "recipe", "expect", "cause"},
		3: {"loopback", "provider", "clientauth", "idtoken", "useragent", "store", "output", "trace", "config", "preset", "trust", "dpop", "cache"},
		4: {"flows", "logout", "passwd", "registration", "demoop"},
		5: {"app", "session", "doctor"},
		6: {"cmd"},
		7: {"main"},
	}
}

// libraries says who may import what. Nobody ships what has no owner.
func libraries() []struct{ prefix, owners, why string } {
	return []struct{ prefix, owners, why string }{
		{"github.com/spf13/cobra", "cmd", "only the command line knows its library"},
		{"github.com/spf13/pflag", "cmd", "only the command line knows its library"},
		{"github.com/spf13/viper", "config", "settings are read in one place, strictly"},
		{"github.com/pkg/browser", "useragent", "user agents are one table"},
		{"github.com/smallstep/truststore", "trust", "other people's certificate stores are changed in one place"},
		{"rsc.io/qr", "useragent", "it helps a browser on another machine to the page"},
		{"github.com/chromedp", "", "it drives a browser, in tests: every start would pay for its types"},
		{"github.com/lestrrat-go/jwx", "jose demoop", "its faults are closed in one package for each side"},
		{"golang.org/x/oauth2", "flows", "a flow is the one place that asks for tokens"},
		{"github.com/coreos/go-oidc", "", "it checks the embedded provider, in tests"},
		{"golang.org/x/net", "", "its tables of HTML cost every start 126 kB: markup reads pages"},
		{"github.com/google/go-cmp", "", "it compares, in tests"},
		{"github.com/rogpeppe/go-internal", "", "it runs scripts, in tests"},
		{"github.com/santhosh-tekuri/jsonschema", "", "it holds what we write against published schemas, in tests"},
		{"text/template", "", "templates switch off the linker's dead-code removal: +2.2 MB"},
		{"html/template", "", "templates switch off the linker's dead-code removal: +2.4 MB"},
		{"encoding/xml", "", "its tables cost every start 19 kB: doctor/report writes test reports"},
		{"math/rand", "", "anything random here is a secret: take crypto/rand"},
	}
}

// level places a package: "jose" and 2 for internal/jose and all below it.
// The level of a package that the picture does not show is 0.
func level(dir string) (string, int) {
	name := dir
	switch {
	case dir == ".":
		name = "main"
	case strings.HasPrefix(dir, "internal/"):
		name, _, _ = strings.Cut(strings.TrimPrefix(dir, "internal/"), "/")
	}
	for n, names := range levels() {
		for _, s := range names {
			if s == name {
				return name, n
			}
		}
	}
	return name, 0
}

// places finds packages that the picture does not show.
func places(t *tree) []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range t.shipped() {
		if _, n := level(f.dir()); n == 0 && !seen[f.dir()] {
			seen[f.dir()] = true
			out = append(out, fmt.Sprintf("%s: package %s has no level: give it one in internal/archtest (levels) and in docs/architecture.md",
				f.path, f.dir()))
		}
	}
	return out
}

// arrows finds imports that point up or sideways.
func arrows(t *tree) []string {
	var out []string
	for _, f := range t.shipped() {
		from, low := level(f.dir())
		if low == 0 {
			continue // places has said so
		}
		for _, s := range f.syntax.Imports {
			p, _ := strconv.Unquote(s.Path.Value)
			if p != module && !strings.HasPrefix(p, module+"/") {
				continue
			}
			to, n := level(strings.TrimPrefix(strings.TrimPrefix(p, module), "/"))
			if finding := arrow(from, low, to, n); finding != "" {
				out = append(out, t.at(s)+": "+finding)
			}
		}
	}
	return out
}

// arrow judges one import and words what is wrong with it.
func arrow(from string, low int, to string, high int) string {
	switch {
	case from == to:
		return "" // a package and its sub-packages
	case high == 0:
		return fmt.Sprintf("%s imports %s, which the picture does not show", from, to)
	case from == "demoop" && to != "fault" && to != "secret":
		return fmt.Sprintf("demoop imports %s: the provider shares fault and secret with the client and nothing else", to)
	case high >= low:
		return fmt.Sprintf("%s (level %d) imports %s (level %d): an import points to a lower level; move the shared noun down", from, low, to, high)
	}
	return ""
}

// owners finds libraries imported by somebody else than their owner.
func owners(t *tree) []string {
	var out []string
	for _, f := range t.shipped() {
		who, _ := level(f.dir())
		for _, s := range f.syntax.Imports {
			p, _ := strconv.Unquote(s.Path.Value)
			for _, l := range libraries() {
				if p != l.prefix && !strings.HasPrefix(p, l.prefix+"/") || contains(l.owners, who) {
					continue
				}
				out = append(out, fmt.Sprintf("%s: %s imports %s, which belongs to %s: %s",
					t.at(s), who, p, orNobody(l.owners), l.why))
			}
		}
	}
	return out
}

func contains(list, name string) bool {
	for s := range strings.FieldsSeq(list) {
		if s == name {
			return true
		}
	}
	return false
}

func orNobody(list string) string {
	if list == "" {
		return "nobody"
	}
	return strings.ReplaceAll(list, " ", " and ")
}
