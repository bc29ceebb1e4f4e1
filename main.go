// Command rely is an OpenID Connect relying party for the terminal.
package main

import (
	"os"

	"rely/cmd"
	"rely/internal/app"
)

func main() {
	app.Guard()
	os.Exit(cmd.Main(app.System(), os.Args[1:]))
}
