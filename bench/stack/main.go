// Command stack links the chosen libraries into a command line that does
// nothing: what rely costs before a line of its own.
package main

import (
	"fmt"
	"os"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"github.com/pkg/browser"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"golang.org/x/oauth2"
)

func main() {
	root := &cobra.Command{Use: "stack"}
	for _, name := range []string{"login", "tokens", "userinfo", "profile", "demo", "op"} {
		c := &cobra.Command{Use: name, Short: "Do " + name, RunE: link}
		for _, flag := range []string{"profile", "issuer", "client-id", "scope", "flow", "output"} {
			c.Flags().String(flag, "", "the "+flag)
		}
		root.AddCommand(c)
	}
	root.AddCommand(&cobra.Command{Use: "version", Short: "Print the version",
		Run: func(*cobra.Command, []string) { fmt.Println("stack") }})
	if root.Execute() != nil {
		os.Exit(1)
	}
}

// link mentions what the commands would use; the benchmark never calls it.
func link(c *cobra.Command, args []string) error {
	v := viper.New()
	v.SetConfigFile(args[0])
	if err := v.ReadInConfig(); err != nil {
		return err
	}
	conf := oauth2.Config{ClientID: v.GetString("client_id")}
	if err := browser.OpenURL(conf.AuthCodeURL("state")); err != nil {
		return err
	}
	token, err := conf.Exchange(c.Context(), args[1])
	if err != nil {
		return err
	}
	set, err := jwk.Fetch(c.Context(), v.GetString("jwks_uri"))
	if err != nil {
		return err
	}
	_, err = jwt.ParseString(token.AccessToken, jwt.WithKeySet(set))
	return err
}
