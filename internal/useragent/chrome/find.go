package chrome

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Variable names the program to start, as chrome-launcher and what builds on it
// have it.
const Variable = "CHROME_PATH"

// Find gives the path of a Chrome, Chromium or Edge: the one that CHROME_PATH
// names, else the first on the PATH, else the first in the places where goos
// keeps it.
func Find(goos string, getenv func(string) string) (string, error) {
	if own := getenv(Variable); own != "" {
		path, err := exec.LookPath(own)
		if err != nil {
			return "", fmt.Errorf("%s is %q, which is no program", Variable, own)
		}
		return path, nil
	}
	for _, place := range places(goos, getenv) {
		// A program in the current folder is an error of LookPath, and not taken.
		if path, err := exec.LookPath(place); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chrome, Chromium or Edge on the PATH or where it is usually installed")
}

// places lists names for the PATH, and paths.
func places(goos string, getenv func(string) string) []string {
	list := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell", "chrome-headless-shell"}
	switch goos {
	case "darwin":
		for _, root := range []string{"/Applications", filepath.Join(getenv("HOME"), "Applications")} {
			for _, app := range []string{"Google Chrome", "Chromium", "Microsoft Edge"} {
				list = append(list, filepath.Join(root, app+".app", "Contents", "MacOS", app))
			}
		}
	case "windows":
		for _, end := range []string{`Google\Chrome\Application\chrome.exe`, `Chromium\Application\chrome.exe`, `Microsoft\Edge\Application\msedge.exe`} {
			for _, root := range []string{"ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"} {
				if folder := getenv(root); folder != "" {
					list = append(list, folder+`\`+end)
				}
			}
		}
	default:
		list = append(list, "microsoft-edge", "/opt/google/chrome/chrome", "/usr/lib/chromium/chromium", "/snap/bin/chromium")
	}
	return list
}
