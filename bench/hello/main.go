// Command hello only prints: the floor under every process written in Go.
package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
