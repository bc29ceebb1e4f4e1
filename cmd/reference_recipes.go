package cmd

import (
	"strings"

	"rely/internal/recipe"
)

// recipesPage is the reference of the recipe file, its keys from their table.
func recipesPage() string {
	var rows [][]string
	for _, k := range recipe.Keys() {
		in := k.In
		if in == "" {
			in = "file"
		}
		rows = append(rows, []string{in, code(k.Name), k.Help})
	}
	return table("Recipes", recipesIntro(), []string{"in", "key", "meaning"}, rows) + recipesRules()
}

func recipesIntro() string {
	return strings.TrimSpace("" +
		"A recipe tells `--browser forms` and `--browser chrome` what to do with login pages that it does not understand by itself: `rely login --recipe FILE`. " +
		"`--record-recipe FILE` writes a first draft from what was done without one.\n\n" +
		"```yaml\n" +
		"allow_origin: [https://login.example]\n" +
		"steps:\n" +
		"  - match: {url: \"https://login.example/tenants/*/start\"}\n" +
		"    fill:\n" +
		"      - {field: tenant, text: acme}\n" +
		"      - {field: User ID, value: username}\n" +
		"    click: Go on\n" +
		"    expect: {field: password, failure: this tenant is closed}\n" +
		"  - match: {title: Second factor}\n" +
		"    fill: [{field: pin, value: totp}]\n" +
		"```\n\n" +
		"The file is YAML of at most 64 KiB with at most 100 steps, and is read strictly: an unknown key, a key that stands there twice, an alias, " +
		"or a value of the wrong kind is refused with file and line.")
}

func recipesRules() string {
	return "\n## What happens with a page\n\n" +
		"1. Where the step before has `expect`, the page has to meet it, or the sign-in ends with `useragent.expect`. An answer that comes back in place of a page meets everything.\n" +
		"2. The first step whose `match` holds is carried out. Texts are compared without regard to case and to the kind of blanks.\n" +
		"3. `fill` and `click` name things of one form: the first that has all of them. A name comes before an id, an id before the whole label or the button's words, those before a part of them. " +
		"Without `fill`, `click` may be the words of a link. What is not there ends the sign-in with `useragent.recipe`.\n" +
		"4. A page that no step matches is left to the defaults: user name, password and one-time code, choosing the account, terms that have to be accepted, consent and its scopes where none is marked, forms that a script would send.\n\n" +
		"A step may be carried out several times; 30 requests (`chrome`: pages) are the limit of one sign-in.\n\n" +
		"## What differs in a browser\n\n" +
		"- `wait` is kept; `forms` has the whole page at once and passes it over.\n" +
		"- A page is the live one: what scripts drew counts, and what is not shown does not. Fields and buttons without a form make one form together, and whatever works as a button is one.\n" +
		"- A frame of the same site is looked at like a page.\n\n" +
		"## What a recipe cannot do\n\n" +
		"- Type the password twice, or two one-time codes in one period: the second time counts as a refusal.\n" +
		"- Fill in a form that stands on, or is sent to, another origin than the provider's (issuer, authorization endpoint) and those of `allow_origin` and `--allow-origin`, https or on loopback.\n" +
		"- Put a password or a code into a URL.\n" +
		"- Hold a secret. It is a file to be committed, and `text` is for what everybody may read.\n\n" +
		"Recipes for the providers of the tests lie in [docs/recipes](../recipes/oidc-provider.yaml); that for [glewlwyd](../recipes/glewlwyd.yaml) is for `chrome` alone, for its page needs scripts.\n"
}
