package page

import "rely/internal/demoop/account"

// Accounts is the list on the sign-in page. A password that somebody chose is
// nobody else's business.
func Accounts(d account.Directory) []Account {
	var out []Account
	for _, u := range d {
		shown := u.Password
		if u.Changed {
			shown = "(changed)"
		}
		out = append(out, Account{Name: u.Name, Password: shown})
	}
	return out
}
