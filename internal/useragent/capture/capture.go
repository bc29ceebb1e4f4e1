// Package capture keeps login pages for a person to look at, secrets struck
// out: what is filled into fields, what hidden ones and addresses carry, what
// scripts hold, and everything that the caller knows as a secret. What is left
// shows which page it was and what it is made of; it cannot be replayed.
package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A Folder takes pages as numbered files. It is safe for use by several
// goroutines; the zero value keeps nothing.
type Folder struct {
	Dir    string              // made where it is missing, for this user alone
	Redact func(string) string // strikes known secrets out of a text; nil knows none

	mu sync.Mutex
}

// Save writes a page as NUMBER-NAME.html, or .txt where it is not HTML, with
// mode 0600, and gives the file's path; the number is the first that is free.
// about is noted in the first line. Nothing is replaced.
func (f *Folder) Save(name, about, mediaType string, body []byte) (string, error) {
	redact := f.Redact
	if redact == nil {
		redact = func(s string) string { return s }
	}
	about = words(about, redact)
	text, ending := about+"\n\n"+Strike(string(body), redact), ".txt"
	if mediaType == "text/html" || mediaType == "application/xhtml+xml" {
		comment := strings.NewReplacer("<", "", ">", "", "--", "- -").Replace(about)
		text, ending = "<!-- "+comment+" -->\n"+Strike(string(body), redact), ".html"
	}
	return f.write(plain(words(name, redact)), ending, []byte(text))
}

// Picture writes a picture of the page that was saved as path, beside it.
func (f *Folder) Picture(path string, png []byte) (string, error) {
	path = strings.TrimSuffix(path, filepath.Ext(path)) + ".png"
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(png)
	return path, errors.Join(err, file.Close())
}

// Words strikes out of a text what Save would.
func (f *Folder) Words(text string) string {
	if f.Redact == nil {
		return words(text, func(s string) string { return s })
	}
	return words(text, f.Redact)
}

// write makes the next file.
func (f *Folder) write(name, ending string, data []byte) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return "", err
	}
	there, err := os.ReadDir(f.Dir)
	if err != nil {
		return "", err
	}
	number := 1
	for _, e := range there {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "%d-", &n); err == nil && n >= number && n < 1_000_000 {
			number = n + 1
		}
	}
	for range 100 { // another process may save here as well
		path := filepath.Join(f.Dir, fmt.Sprintf("%03d-%s%s", number, name, ending))
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			number++
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = file.Write(data)
		return path, errors.Join(err, file.Close())
	}
	return "", fmt.Errorf("%s has no free number", f.Dir)
}

// plain makes a file name of what a page is called.
func plain(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
			b.WriteByte('-')
		}
	}
	const most = 40
	if s := strings.Trim(b.String()[:min(b.Len(), most)], "-"); s != "" {
		return s
	}
	return "page"
}
