package useragent

import (
	"bytes"
	"errors"
	"runtime"

	"rely/internal/fault"
)

// Surroundings say where the program runs, as far as a browser minds.
type Surroundings struct {
	SSH       bool   // the terminal is at the other end of an SSH connection
	WSL       bool   // Windows Subsystem for Linux: the browser is on the Windows side
	Container bool   // Docker, Podman, Kubernetes or the like
	Display   bool   // a window can be shown here
	Why       string // why no browser can be opened here; empty when one can
}

// Look finds out where the program runs, from o.Getenv, o.ReadFile and o.OS.
func Look(o Options) Surroundings {
	set := func(names ...string) bool {
		for _, n := range names {
			if o.getenv(n) != "" {
				return true
			}
		}
		return false
	}
	s := Surroundings{SSH: set("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")}
	switch o.os() {
	case "windows", "darwin":
		// Their openers reach the desktop of that machine, which the person
		// at this end of SSH does not see.
		s.Display = !s.SSH
	case "linux":
		s.Display = set("DISPLAY", "WAYLAND_DISPLAY")
		s.Container = o.exists("/.dockerenv") || o.exists("/run/.containerenv") || set("container", "KUBERNETES_SERVICE_HOST")
		// A container on a WSL kernel names Microsoft as well, and has no way
		// to the Windows side.
		s.WSL = !s.Container && bytes.Contains(bytes.ToLower(o.read("/proc/version")), []byte("microsoft"))
	default:
		s.Display = set("DISPLAY", "WAYLAND_DISPLAY")
	}
	switch {
	case set("BROWSER"), s.Display, s.WSL && !s.SSH:
	case s.SSH:
		s.Why = "this is an SSH session without a display"
	case s.Container:
		s.Why = "this is a container without a display"
	default:
		s.Why = "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
	}
	return s
}

// Default is the entry to use when nobody chose one: system where a browser
// can be opened, else none, and why it is none.
func Default(o Options) (name, why string) {
	if why := Look(o).Why; why != "" {
		return "none", why
	}
	return "system", ""
}

func systemPossible(o Options) error {
	if why := Look(o).Why; why != "" {
		return &fault.Error{Kind: fault.Config, ID: "useragent.impossible", Op: "open the system's browser",
			Hint: "use --browser none and open the printed URL in any browser", Err: errors.New(why)}
	}
	return nil
}

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}

func (o Options) read(name string) []byte {
	if o.ReadFile == nil {
		return nil
	}
	data, _ := o.ReadFile(name)
	return data
}

func (o Options) exists(name string) bool {
	if o.ReadFile == nil {
		return false
	}
	_, err := o.ReadFile(name)
	return err == nil
}

func (o Options) os() string {
	if o.OS == "" {
		return runtime.GOOS
	}
	return o.OS
}
