package capture

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func hide(s string) string { return strings.ReplaceAll(s, "pass & word", "[secret]") }

func TestStrike(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ page, want string }{
		"words stay":                    {`<p class=error>Wrong password.</p> 1 < 2`, `<p class="error">Wrong password.</p> 1 < 2`},
		"a hidden value":                {`<input type=hidden name=csrf value="tok">`, `<input type="hidden" name="csrf" value="[struck out]">`},
		"a value without quotes":        {`<INPUT VALUE=tok name=a>`, `<input value="[struck out]" name="a">`},
		"a button keeps its words":      {`<input type=submit value='Sign in'>`, `<input type="submit" value="Sign in">`},
		"a button element's value":      {`<button name=t value=tok>Go</button>`, `<button name="t" value="[struck out]">Go</button>`},
		"an address":                    {`<form action="/login?session_code=abc&amp;tab=1">`, `<form action="/login?session_code=[struck out]&amp;tab=[struck out]">`},
		"a piece of an address":         {`<a href=/interaction/V1StGXR8_Z5jdHi6B-myT/login>on</a>`, `<a href="/interaction/[struck out]/login">on</a>`},
		"a meta token":                  {`<meta name=csrf-token content=abc>`, `<meta name="csrf-token" content="[struck out]">`},
		"a refresh":                     {`<meta http-equiv=refresh content="0;url=/a?b=c">`, `<meta http-equiv="refresh" content="0;url=/a?b=[struck out]">`},
		"a script":                      {`<script nonce=abc>var t="</b>tok";</SCRIPT>after`, `<script nonce="[struck out]">[struck out]</script>after`},
		"a script that does not end":    {`<script>tok`, `<script>[struck out]`},
		"what somebody typed":           {`<textarea name=a>tok</textarea>`, `<textarea name="a">[struck out]</textarea>`},
		"a handler and data":            {`<b onclick="f('tok')" data-x=tok>`, `<b onclick="[struck out]" data-x="[struck out]">`},
		"a comment":                     {`a<!-- tok --!> > -->b<!-- tok`, `a<!-- [struck out] -->b<!-- [struck out] -->`},
		"a known secret in the words":   {`you typed pass & word`, `you typed [secret]`},
		"a known secret, escaped":       {`<p title="pass &amp; word">`, `<p title="[secret]">`},
		"the same in the words":         {`<p>it was pass &amp; word</p>`, `<p>it was [secret]</p>`},
		"something random in the words": {`Error reference 3f2504e0-4f89-11d3-9a0c-0305e82c3301.`, `Error reference [struck out]`},
		"a tag that does not end":       {`<input value="tok`, `<input value="[struck out]">`},
		"a lone bracket at the end":     {`a<`, `a<`},
	}
	for name, tt := range tests {
		if got := Strike(tt.page, hide); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

func TestFolderNumbersItsFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pages")
	f := &Folder{Dir: dir, Redact: hide}
	for i, tt := range []struct{ name, media, want string }{
		{"Sign in to Example!", "text/html", "001-sign-in-to-example.html"},
		{"", "text/plain", "002-page.txt"},
		{strings.Repeat("a", 100), "text/html", "003-" + strings.Repeat("a", 40) + ".html"},
	} {
		if i == 2 {
			f = &Folder{Dir: dir} // another run goes on behind the first
		}
		path, err := f.Save(tt.name, "https://op.example/login --> answered 200", tt.media, []byte("<p>hello pass & word"))
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(path); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), "hello") || i < 2 && strings.Contains(string(data), "pass & word") {
			t.Errorf("got %q, %v", data, err)
		}
		if s, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && s.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v, want mode 0600", s.Mode(), err)
		}
	}
}

func FuzzStrike(f *testing.F) {
	f.Add(`<form action="/a?b=c"><input value=`, `x><script>`)
	f.Fuzz(func(t *testing.T, before, after string) {
		// Whatever stands before it, the value of a hidden field of a whole tag
		// is struck out, unless what stands before it says that it is text.
		const token = "S3cretS3cretS3cretS3cret"
		got := Strike(before+`<input type="hidden" value="`+token+`">`+after, func(s string) string { return s })
		if strings.Contains(got, token) && !strings.Contains(before, "<") {
			t.Errorf("got %q", got)
		}
	})
}
