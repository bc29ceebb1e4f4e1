package useragent

import (
	"net/url"
	"strings"
	"testing"

	"rely/internal/fault"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	good := map[string]struct{ in, want string }{
		"https":                        {"https://op.example/auth?a=1&b=2", "https://op.example/auth?a=1&b=2"},
		"scheme and host in capitals":  {"HTTPS://OP.Example:8443/Auth", "https://op.example:8443/Auth"},
		"http on loopback":             {"http://127.0.0.1:9/a", "http://127.0.0.1:9/a"},
		"http on IPv6 loopback":        {"http://[::1]:9/a", "http://[::1]:9/a"},
		"http on localhost":            {"http://localhost/a", "http://localhost/a"},
		"punycode":                     {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
		"escapes stay as they are":     {"https://op.example/a%2Fb;v=1?u=%C3%A5%20+", "https://op.example/a%2Fb;v=1?u=%C3%A5%20+"},
		"shell syntax is escaped":      {"https://op.example/'$(id)'?`id`|\"x\"<y>\\^{z}", "https://op.example/%27%24%28id%29%27?%60id%60%7C%22x%22%3Cy%3E%5C%5E%7Bz%7D"},
		"letters beyond ASCII":         {"https://op.example/\u00e5?\u00e5", "https://op.example/%C3%A5?%C3%A5"},
		"a percent sign on its own":    {"https://op.example/?a=%zz&b=%", "https://op.example/?a=%25zz&b=%25"},
		"PAR, and a redirect in it":    {"https://op.example/?request_uri=urn:x%26redirect_uri%3Dy", "https://op.example/?request_uri=urn:x%26redirect_uri%3Dy"},
		"a fragment of a script's own": {"https://op.example/#/device?x=1", "https://op.example/#/device?x=1"},
	}
	for name, tt := range good {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := CheckURL(tt.in)
			if got != tt.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if again, err := CheckURL(got); again != got || err != nil {
				t.Errorf("checked again: got %q, %v, want %q", again, err, got)
			}
		})
	}
	bad := map[string]string{
		"javascript":            "javascript:alert(1)",
		"a file":                "file:///etc/passwd",
		"data":                  "data:text/html,x",
		"ms-msdt":               "ms-msdt:/id",
		"UNC":                   `\\evil.example\share`,
		"UNC with slashes":      "//evil.example/share",
		"nothing":               "",
		"an option":             "--help",
		"an option as the host": "https://-x/",
		"http":                  "http://op.example/",
		"http, nearly loopback": "http://127.0.0.1.example/",
		"a user part":           "https://op.example@evil.example/",
		"an empty user part":    "https://@op.example/",
		"no host":               "https:///a",
		"only a port":           "https://:443/",
		"opaque":                "https:op.example",
		"a space":               "https://op.example/a b",
		"a space before it":     " https://op.example/",
		"a line break":          "https://op.example/a\r\nb",
		"an escape sequence":    "https://op.example/\x1b[31m",
		"a DEL":                 "https://op.example/\x7f",
		"a host beyond ASCII":   "https://b\u00fccher.example/",
		"shell in the host":     "https://$(id).example/",
		"a quote in the host":   "https://a'b.example/",
		"a zone":                "https://[fe80::1%25eth0]/",
		"an odd port":           "https://op.example:80a/",
	}
	for name, in := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := CheckURL(in)
			if got != "" {
				t.Errorf("got %q, want none", got)
			}
			wantFault(t, err, fault.Protocol, "useragent.url")
		})
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://op.example/a?b#c")
	f.Add("http://[::1]:1/%2f?'")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := CheckURL(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Host == "" {
			t.Fatalf("got %q, %v from %q", got, err, raw)
		}
		if !strings.HasPrefix(got, "https://") && !strings.HasPrefix(got, "http://") || strings.ContainsAny(got, "\"'`$()<>|\\^{} ") {
			t.Fatalf("got %q from %q", got, raw)
		}
		if again, err := CheckURL(got); again != got || err != nil {
			t.Fatalf("got %q, then %q, %v", got, again, err)
		}
	})
}
