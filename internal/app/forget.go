package app

import "os"

// Forget takes variables out of this process's environment, so that no program
// started later can read the secrets in them.
func (a *App) Forget(names []string) {
	for _, name := range names {
		_ = os.Unsetenv(name)
	}
}
