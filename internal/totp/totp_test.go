package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// RFC 6238, appendix B, with the seeds of erratum 2866.
func TestCodeAgreesWithTheTestVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for name, want := range map[string]string{"SHA1": tt.sha1, "SHA256": tt.sha256, "SHA512": tt.sha512} {
			size := map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64}[name]
			seed := base32.StdEncoding.EncodeToString([]byte(strings.Repeat("1234567890", 7)[:size]))
			k, err := Parse(secret.New(fmt.Sprintf("otpauth://totp/x:alice?secret=%s&digits=8&period=30&algorithm=%s", strings.TrimRight(seed, "="), name)))
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Code(time.Unix(tt.at, 0)); got != want {
				t.Errorf("%s at %d: got %s, want %s", name, tt.at, got, want)
			}
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for name, tt := range map[string]struct{ text, want string }{
		"base32":                             {seed, "287082"},
		"in lower case, in groups":           {"gezd gnbv gy3t qojq\tGEZD-GNBV-GY3T-QOJQ\n", "287082"},
		"with padding":                       {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======", "287082"},
		"an address with its default values": {"otpauth://totp/Example:alice?issuer=Example&secret=" + seed, "287082"},
		"a longer period":                    {"OTPAUTH://TOTP/a?period=60&secret=" + seed, "755224"},
	} {
		k, err := Parse(secret.New(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := k.Code(time.Unix(59, 0)); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"not base32":           "GEZDGNBV0189",
		"another type":         "otpauth://hotp/a?counter=0&secret=" + seed,
		"an unknown algorithm": "otpauth://totp/a?algorithm=MD5&secret=" + seed,
		"too many digits":      "otpauth://totp/a?digits=11&secret=" + seed,
		"no period":            "otpauth://totp/a?period=0&secret=" + seed,
		"no secret":            "otpauth://totp/a",
		"not a URL":            "otpauth://totp/%zz?secret=" + seed,
		"too much":             strings.Repeat("A", 5000),
	} {
		_, err := Parse(secret.New(text))
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "totp.secret" || f.Kind != fault.Config {
			t.Errorf("%s: got %v, want totp.secret", name, err)
		} else if len(text) > 20 && strings.Contains(f.Error(), seed) {
			t.Errorf("%s: got %q, want no secret in it", name, f)
		}
	}
}

func TestZeroKey(t *testing.T) {
	t.Parallel()
	var k Key
	if !k.Empty() || k.Code(time.Unix(59, 0)) != "" || k.Step(time.Unix(59, 0)) != 0 {
		t.Errorf("got a code without a key")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("otpauth://totp/a?digits=8&period=60&algorithm=SHA512&secret=GEZDGNBV", int64(59))
	f.Fuzz(func(t *testing.T, text string, at int64) {
		k, err := Parse(secret.New(text))
		if err == nil && (len(k.Code(time.Unix(at, 0))) < 6 || k.Empty()) {
			t.Errorf("%q: got %q", text, k.Code(time.Unix(at, 0)))
		}
	})
}
