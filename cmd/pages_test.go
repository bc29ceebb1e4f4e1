package cmd

import (
	"strings"
	"testing"

	"rely/internal/recipe"
)

func TestTheRecipeInTheReferenceIsOne(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(recipesPage(), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	if _, err := recipe.Parse("recipes.md", []byte(example)); err != nil {
		t.Error(err)
	}
}
