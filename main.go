// Command rely is an OpenID Connect relying party for the terminal.
package main

import (
	"os"

	"rely/cmd"
	"rely/internal/app"
)

func main() {
	app.Guard()
	a := app.System()
	a.Alone = app.Alone
	os.Exit(cmd.Main(a, os.Args[1:]))
}
