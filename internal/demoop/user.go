package demoop

import (
	"rely/internal/demoop/account"
	"rely/internal/demoop/page"
	"rely/internal/demoop/shelf"
)

func (s *Server) user(name string) *account.User {
	for _, u := range s.users {
		if u.Name == name {
			return u
		}
	}
	return nil
}

// signIn gives the user whose password this is. An unknown name costs the
// same comparison.
func (s *Server) signIn(name, password string) *account.User {
	u := s.user(name)
	want := shelf.Fresh()
	if u != nil {
		want = u.Password
	}
	if !shelf.Same(password, want) {
		return nil
	}
	return u
}

// accounts is the list on the sign-in page. A password that somebody chose is
// nobody else's business.
func (s *Server) accounts() []page.Account {
	var out []page.Account
	for _, u := range s.users {
		shown := u.Password
		if u.Changed {
			shown = "(changed)"
		}
		out = append(out, page.Account{Name: u.Name, Password: shown})
	}
	return out
}
