package useragent

import (
	"cmp"
	"errors"
	"fmt"

	"rely/internal/fault"
	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
)

// seen is the page at hand, in case that it has to be kept.
type seen struct {
	page      *page.Page
	mediaType string
	body      []byte
	path      string // where it is kept; empty as long as it is not

	picture func(redact func(string) string) ([]byte, error) // nil where there is nothing to photograph
}

// see notes the page at hand, and keeps it where every page is kept.
func (w *walk) see(p *page.Page, mediaType string, body []byte) error {
	if w.o.Pages == nil {
		return nil
	}
	w.last = &seen{page: p, mediaType: mediaType, body: body}
	if !w.o.EveryPage {
		return nil
	}
	return w.last.keep(w)
}

func (s *seen) keep(w *walk) error {
	about := fmt.Sprintf("%s answered %d", address.Place(s.page.URL), s.page.Status)
	path, err := w.o.Pages.Save(cmp.Or(s.page.Title, s.page.URL.Path), w.quote(about), s.mediaType, s.body)
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "useragent.save", Op: "save the page", Hint: "check --save-pages and your rights there", Err: err}
	}
	s.path = path
	return nil
}

// kept keeps the page that an error is about, and says where.
func (w *walk) kept(err error) error {
	var f *fault.Error
	if w.last == nil || !errors.As(err, &f) || f.Kind == fault.Cancelled || f.Kind == fault.Unfinished || f.ID == "useragent.save" {
		return err
	}
	if w.last.path == "" {
		if failed := w.last.keep(w); failed != nil {
			f.Err = fmt.Errorf("%w (and the page could not be saved: %w)", f.Err, failed)
			return f
		}
	}
	f.Err = fmt.Errorf("%w (the page is saved as %s%s)", f.Err, w.last.path, w.last.photograph(w))
	return f
}

// photograph keeps a picture of the page beside it, and says where. There may be
// none, as when the browser is gone: the page itself is kept.
func (s *seen) photograph(w *walk) string {
	if s.picture == nil {
		return ""
	}
	png, err := s.picture(w.o.Pages.Words)
	if err != nil {
		return ""
	}
	path, err := w.o.Pages.Picture(s.path, png)
	if err != nil {
		return ""
	}
	return ", with a picture in " + path
}
