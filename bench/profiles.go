//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const many = 10_000

// profiles prints what commands cost in a folder with one profile and in one
// with many, each of them signed in.
func profiles(dir string, login program, n int) error {
	one, all := filepath.Join(dir, "rely"), filepath.Join(dir, "many")
	if err := multiply(one, all); err != nil {
		return err
	}
	fmt.Printf("\nprofiles: cpu ms with 1, with %d; ratio of cpu and of wall time, goal 1.10\n", many)
	for _, args := range [][]string{{"profile", "use", "bench"}, {"tokens"}, {"tokens", "-o", "json"}} {
		few := program{path: login.path, args: args, env: []string{"RELY_HOME=" + one}}
		lots := program{path: login.path, args: args, env: []string{"RELY_HOME=" + all}}
		floors, subjects, err := pairs(n, few, lots)
		if err != nil {
			return err
		}
		fmt.Printf("  rely %-18s %6.2f %6.2f  %.2f %.2f\n", strings.Join(args, " "),
			median(floors, subjects, func(f, _ sample) float64 { return ms(f.cpu) }),
			median(floors, subjects, func(_, s sample) float64 { return ms(s.cpu) }),
			median(floors, subjects, func(f, s sample) float64 { return float64(s.cpu) / float64(f.cpu) }),
			median(floors, subjects, func(f, s sample) float64 { return float64(s.wall) / float64(f.wall) }))
	}
	return nil
}

// multiply copies rely's folder, with each file of the profile "bench" as often
// as there are to be profiles. Their sessions only lie there: what is looked up
// is the first.
func multiply(from, to string) error {
	files := 0
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o600); err != nil {
			return err
		}
		rest, ours := strings.CutPrefix(e.Name(), "bench")
		if !ours || len(data) == 0 {
			return nil
		}
		files++
		for i := range many - 1 {
			another := filepath.Join(filepath.Dir(target), fmt.Sprintf("bench-%05d%s", i, rest))
			if err := os.WriteFile(another, data, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && files < 2 {
		err = fmt.Errorf("%d files of the profile in %s, want its settings and its session", files, from)
	}
	return err
}
