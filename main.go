// Command rely is an OpenID Connect relying party for the terminal.
package main

import (
	"os"

	"rely/cmd"
	"rely/internal/app"
	_ "rely/internal/start"
)

func main() {
	app.Guard()
	app.Processors()
	a := app.System()
	a.Together = app.Together
	os.Exit(cmd.Main(a, os.Args[1:]))
}
