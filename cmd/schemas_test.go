package cmd

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rely/internal/demoop"
)

// schema is a published one from testdata/schema.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob("testdata/schema/" + filepath.Dir(name) + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v and %d files", err, len(files))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		// The files name each other by their names alone.
		if err := c.AddResource("https://schema.invalid/"+filepath.Base(file), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://schema.invalid/" + filepath.Base(name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fits wants a document to be as the schema says.
func fits(t *testing.T, s *jsonschema.Schema, what string, document []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = s.Validate(doc)
	}
	if err != nil {
		t.Errorf("%s: %#v\n%.2000s", what, err, document)
	}
}

// A HAR of a whole sign-in, and of what goes wrong in one, is HAR 1.2.
func TestHARFitsItsSchema(t *testing.T) {
	t.Parallel()
	s := schema(t, "har/har.json")
	for _, name := range []string{"", "token-500", "token-half-json", "token-redirect", "token-gzip-bomb", "token-not-utf8", "discovery-hang", "escape-sequences"} {
		t.Run("demo "+name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			file := filepath.Join(t.TempDir(), "all.har")
			args := []string{"demo", "--har", file, "--timeout", "2s"}
			if name != "" {
				args = append(args, "--break", name)
			}
			_ = Main(testApp(t, &stdout, &stderr), args) // its end is TestDemoMeetsEveryFault's
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			if !strings.Contains(string(data), `"startedDateTime"`) {
				t.Errorf("there is no exchange in it: %s", data)
			}
			fits(t, s, "the HAR", data)
		})
	}
}

// A SARIF log of many findings, of none, and of a provider that is not there
// is SARIF 2.1.0.
func TestSARIFFitsItsSchema(t *testing.T) {
	t.Parallel()
	s := schema(t, "sarif-schema-2.1.0.json")
	for what, faults := range map[string][]string{
		"good":      nil,
		"broken":    {"discovery-wrong-issuer", "pkce-plain-offered", "implicit-offered", "jwks-empty"},
		"dangerous": {"escape-discovery"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			fits(t, s, what, doctored(t, withOP(t, faults...), "sarif"))
		})
	}
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		fits(t, s, "not there", doctored(t, "http://127.0.0.1:1", "sarif"))
	})
}

// withOP is the issuer of an embedded provider.
func withOP(t *testing.T, faults ...string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	op, err := demoop.New(demoop.Options{Issuer: issuer, Now: time.Now, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = op
	server.Start()
	t.Cleanup(func() { op.Close(); server.Close() })
	return issuer
}

func doctored(t *testing.T, issuer, format string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(testApp(t, &stdout, &stderr), []string{"doctor", issuer, "-o", format})
	if stdout.Len() == 0 {
		t.Fatalf("exit code %d, and nothing was printed: %s", code, stderr.String())
	}
	return stdout.Bytes()
}

// The schemas are no rubber stamps: what is wrong does not fit.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	sarif := doctored(t, withOP(t, "pkce-plain-offered"), "sarif")
	for what, c := range map[string]struct {
		schema, document string
	}{
		"a level that there is not":  {"sarif-schema-2.1.0.json", strings.Replace(string(sarif), `"warning"`, `"bad"`, 1)},
		"a member that there is not": {"sarif-schema-2.1.0.json", strings.Replace(string(sarif), `"runs"`, `"runnings"`, 1)},
		"a time that is none":        {"har/har.json", `{"log":{"version":"1.2","creator":{"name":"a","version":"b"},"entries":[{"startedDateTime":"noon"}]}}`},
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.document))
		if err != nil || !json.Valid([]byte(c.document)) {
			t.Fatal(err)
		}
		if schema(t, c.schema).Validate(doc) == nil {
			t.Errorf("%s fits", what)
		}
	}
}
