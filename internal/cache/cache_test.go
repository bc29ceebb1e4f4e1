package cache_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rely/internal/cache"
	"rely/internal/wire"
)

const address, accept = "https://op.example/.well-known/openid-configuration", "application/json"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a folder whose clock stands still.
func at(dir string, t time.Time) *cache.Folder {
	return &cache.Folder{Dir: dir, Now: func() time.Time { return t }}
}

func answer(headers ...string) *wire.Answer {
	a := &wire.Answer{Status: http.StatusOK, Header: http.Header{"Date": {start.Format(http.TimeFormat)}}, Body: []byte("{\"a\":1}\n")}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			a.Header.Del(name)
			continue
		}
		a.Header.Add(name, value)
	}
	return a
}

// For how long each answer may be used again, found by asking on both sides of
// the last second.
func TestFreshness(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		headers []string
		seconds int
	}{
		"nothing is said":                       {nil, 0},
		"max-age":                               {[]string{"Cache-Control: public, max-age=300"}, 300},
		"in other letters, quoted":              {[]string{`Cache-Control: private , Max-Age="60"`}, 60},
		"the shorter of two":                    {[]string{"Cache-Control: max-age=300", "Cache-Control: max-age=60"}, 60},
		"a day at most":                         {[]string{"Cache-Control: max-age=31536000"}, 86400},
		"so much that it is no number":          {[]string{"Cache-Control: max-age=99999999999999999999"}, 86400},
		"max-age that is no number":             {[]string{"Cache-Control: max-age=soon"}, 0},
		"a negative one":                        {[]string{"Cache-Control: max-age=-5"}, 0},
		"no-store":                              {[]string{"Cache-Control: max-age=300, no-store"}, 0},
		"no-cache":                              {[]string{"Cache-Control: no-cache", "Cache-Control: max-age=300"}, 0},
		"no-cache for a header":                 {[]string{`Cache-Control: no-cache="Set-Cookie", max-age=300`}, 0},
		"for shared caches only":                {[]string{"Cache-Control: s-maxage=300"}, 0},
		"Expires":                               {[]string{"Expires: " + start.Add(2*time.Minute).Format(http.TimeFormat)}, 120},
		"Expires without Date":                  {[]string{"Date: ", "Expires: " + start.Add(2*time.Minute).Format(http.TimeFormat)}, 120},
		"Expires in the past":                   {[]string{"Expires: " + start.Add(-time.Minute).Format(http.TimeFormat)}, 0},
		"Expires that is no date":               {[]string{"Expires: 0"}, 0},
		"max-age wins over Expires":             {[]string{"Expires: 0", "Cache-Control: max-age=30"}, 30},
		"a cache in between had it for a while": {[]string{"Cache-Control: max-age=300", "Age: 100"}, 200},
		"for too long":                          {[]string{"Cache-Control: max-age=300", "Age: 300"}, 0},
		"for nobody knows how long":             {[]string{"Cache-Control: max-age=300", "Age: long"}, 0},
		"the provider's clock is behind":        {[]string{"Date: ", "Date: " + start.Add(-time.Minute).Format(http.TimeFormat), "Cache-Control: max-age=300"}, 240},
		"the provider's clock is ahead":         {[]string{"Date: ", "Date: " + start.Add(time.Hour).Format(http.TimeFormat), "Cache-Control: max-age=300"}, 300},
		"it varies by everything":               {[]string{"Cache-Control: max-age=300", "Vary: Origin, *"}, 0},
		"it varies by what is always the same":  {[]string{"Cache-Control: max-age=300", "Vary: Origin, Accept-Encoding"}, 300},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			at(dir, start).Keep(address, accept, answer(c.headers...))
			for after, want := range map[int]bool{0: c.seconds > 0, c.seconds - 1: c.seconds > 0, c.seconds: false} {
				a := at(dir, start.Add(time.Duration(after)*time.Second)).Find(address, accept)
				if got := a != nil; got != want {
					t.Errorf("after %d s: got found %t, want %t", after, got, want)
				}
				if a != nil && string(a.Body) != "{\"a\":1}\n" {
					t.Errorf("got the body %q", a.Body)
				}
			}
		})
	}
}

// What does not belong to the request, or is not whole, is not found.
func TestNotFound(t *testing.T) {
	t.Parallel()
	only := func(t *testing.T, dir string) string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("got the files %v, %v, want one", files, err)
		}
		return files[0]
	}
	change := func(with func(string) string) func(*testing.T, string, *cache.Folder) {
		return func(t *testing.T, dir string, _ *cache.Folder) {
			t.Helper()
			file := only(t, dir)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(with(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, spoil := range map[string]func(*testing.T, string, *cache.Folder){
		"another authority":  func(_ *testing.T, _ string, f *cache.Folder) { f.Way = "another" },
		"the cache is blind": func(_ *testing.T, _ string, f *cache.Folder) { f.Blind = true },
		"the clock went back": func(_ *testing.T, _ string, f *cache.Folder) {
			f.Now = func() time.Time { return start.Add(-time.Second) }
		},
		"forgotten": func(_ *testing.T, _ string, f *cache.Folder) { f.Forget(address, accept) },
		"the latest may not be kept": func(_ *testing.T, _ string, f *cache.Folder) {
			f.Keep(address, accept, answer("Cache-Control: no-store"))
		},
		"the folder is gone":     func(t *testing.T, dir string, _ *cache.Folder) { t.Helper(); _ = os.RemoveAll(dir) },
		"half of it":             change(func(s string) string { return s[:len(s)-3] }),
		"empty":                  change(func(string) string { return "" }),
		"no label":               change(func(string) string { return "hello" }),
		"another byte":           change(func(s string) string { return strings.Replace(s, `"a":1`, `"a":2`, 1) }),
		"another address":        change(func(s string) string { return strings.Replace(s, "op.example", "op.examp1e", 1) }),
		"longer than a day":      change(func(s string) string { return strings.Replace(s, " 1772366700000", " 1799999999999", 1) }),
		"of a version to come":   change(func(s string) string { return strings.Replace(s, "rely-cache/2", "rely-cache/3", 1) }),
		"a link to another file": func(t *testing.T, dir string, _ *cache.Folder) { t.Helper(); link(t, only(t, dir)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			f := at(dir, start)
			f.Keep(address, accept, answer("Cache-Control: max-age=300"))
			if f.Find(address, accept) == nil {
				t.Fatal("got nothing, want what was kept")
			}
			if f.Find(address, "text/html") != nil || f.Find(address+"2", accept) != nil {
				t.Error("got something that was not kept")
			}
			spoil(t, dir, f)
			if a := f.Find(address, accept); a != nil {
				t.Errorf("got %q, want nothing", a.Body)
			}
		})
	}
}

func link(t *testing.T, file string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	if err := os.Rename(file, file+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file+"2", file); err != nil {
		t.Fatal(err)
	}
}

// The folder stays small, and private.
func TestBounds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	f := at(dir, time.Now())
	for n := range 100 {
		a := answer("Date: ", "Cache-Control: max-age=300")
		f.Keep(fmt.Sprint(address, n), accept, a)
	}
	large := answer("Date: ", "Cache-Control: max-age=300")
	large.Body = make([]byte, 1<<20+1)
	f.Keep(address, accept, large)
	if f.Find(address, accept) != nil {
		t.Error("got a document of more than 1 MiB")
	}
	if f.Find(fmt.Sprint(address, 99), accept) == nil {
		t.Error("the latest is gone")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 64 {
		t.Errorf("got %d files, %v, want at most 64", len(files), err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("got the folder's mode %v, %v, want 0700", i.Mode(), err)
	}
	for _, file := range files {
		if i, err := file.Info(); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("got the mode %v, %v, want 0600", i.Mode(), err)
		}
	}
}

// A document that is there already, and good for most of the time that the
// provider gives it, is not written again; a shorter time, another document and
// one past its half are.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		after time.Duration
		age   string
		body  string
		until time.Duration // from the start
	}{
		"the same":         {10 * time.Second, "300", "{\"a\":1}\n", 300 * time.Second},
		"past its half":    {200 * time.Second, "300", "{\"a\":1}\n", 500 * time.Second},
		"for a short time": {0, "60", "{\"a\":1}\n", 60 * time.Second},
		"for longer":       {0, "900", "{\"a\":1}\n", 900 * time.Second},
		"another":          {10 * time.Second, "300", "{\"a\":2}\n", 310 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			at(dir, start).Keep(address, accept, answer("Cache-Control: max-age=300"))
			now := start.Add(c.after)
			a := answer("Date: ", "Date: "+now.Format(http.TimeFormat), "Cache-Control: max-age="+c.age)
			a.Body = []byte(c.body)
			at(dir, now).Keep(address, accept, a)
			for _, at := range []*cache.Folder{at(dir, start.Add(c.until-time.Second)), at(dir, start.Add(c.until))} {
				a := at.Find(address, accept)
				if want := at.Now().Before(start.Add(c.until)); (a != nil) != want || want && string(a.Body) != c.body {
					t.Errorf("%s later: got %v, want found %t", at.Now().Sub(start), a, want)
				}
			}
		})
	}
}
