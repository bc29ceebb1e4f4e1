package cmd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"rely/internal/demoop"
)

// Somebody at a real terminal, at the other end of an SSH connection: the line
// that forwards the port, the QR code, and the prompt that takes the address.
func TestTerminalOverSSH(t *testing.T) {
	t.Parallel()
	a, _ := pasteApp(t)
	op, err := (&invocation{App: a}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	near, out, end := atTerminal(t, t.TempDir(), []string{"SSH_CONNECTION=192.0.2.7 50000 198.51.100.9 2222", "USER=ada"}, "login", op.issuer, "--client-id", "demo")
	address := out.waitFor(t, op.issuer+"/authorize?")
	out.waitFor(t, "code in it alone:")
	_, _ = near.WriteString("not the answer\n")
	out.waitFor(t, "that is not the answer")
	_, _ = near.WriteString(signInElsewhere(t, address) + "\n")
	text, err := end()
	if err != nil || !strings.Contains(text, "Signed in as alice") {
		t.Fatalf("got %v and\n%s", err, text)
	}
	if !regexp.MustCompile(`ssh -p 2222 -L (\d+):127\.0\.0\.1:\d+ ada@198\.51\.100\.9\r?\n`).MatchString(text) {
		t.Errorf("got no line that forwards the port in\n%s", text)
	}
	if strings.Count(text, "\x1b[97;40m") < 20 {
		t.Errorf("got no QR code in\n%s", text)
	}
}

// What can be pasted is offered and nothing else: a code alone would not be a
// whole answer of the hybrid flow, and a posted form stands in no address.
func TestTerminalOffersWhatIsEnough(t *testing.T) {
	t.Parallel()
	a, _ := pasteApp(t)
	op, err := (&invocation{App: a}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	for want, how := range map[string][]string{
		"paste here the whole address that the browser ended on:": {"--flow", "hybrid"},
		"paste here the whole address":                            {"--flow", "implicit", "--response-type", "token"},
		"Waiting for the answer at ":                              {"--response-mode", "form_post"},
		"code in it alone:":                                       {"--response-mode", "fragment"},
	} {
		near, out, end := atTerminal(t, t.TempDir(), nil, append([]string{"login", op.issuer, "--client-id", "demo", "--browser", "none"}, how...)...)
		out.waitFor(t, want)
		_, _ = near.WriteString("\x03")
		if text, err := end(); err == nil || strings.Contains(text, "code in it alone") != (want == "code in it alone:") {
			t.Errorf("%s: got %v and\n%s", how, err, text)
		}
	}
}

// The passwords are asked for without echo, the new one twice, and nothing is
// sent while the two differ.
func TestPasswordsAreAskedForAtTheTerminal(t *testing.T) {
	t.Parallel()
	a, _ := pasteApp(t)
	op, err := (&invocation{App: a}).startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	home, next := t.TempDir(), "looking-glass-1871"
	_, _, end := atTerminal(t, home, []string{"RELY_PASSWORD=" + demoAlice}, "login", op.issuer, "--client-id", "demo", "--browser", "forms", "--username", "alice")
	if text, err := end(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, turn := range [][2]string{{"looking-glas-1871", "the two are not the same"}, {next, "Password of alice changed; a sign-in with the new one succeeded"}} {
		again, want := turn[0], turn[1]
		near, out, end := atTerminal(t, home, nil, "passwd", "--via", "pingone", "--via-url", op.issuer+"/v1/environments/demo", "--browser", "forms", "--username", "alice")
		for _, answer := range []struct{ question, text string }{{"The current password: ", demoAlice}, {"The new password: ", next}, {"Again: ", again}} {
			out.waitFor(t, answer.question)
			silent(t, near)
			_, _ = near.WriteString(answer.text + "\n")
		}
		text, _ := end()
		if !strings.Contains(text, want) {
			t.Errorf("got %s\nwant %q in it", text, want)
		}
		for _, secret := range []string{demoAlice, next, again} {
			if strings.Contains(text, secret) {
				t.Errorf("a password is on the screen:\n%s", text)
			}
		}
	}
}

// Ctrl-C at the prompt ends the program, and the terminal shows again what is
// typed.
func TestCtrlCAtThePrompt(t *testing.T) {
	t.Parallel()
	near, out, end := atTerminal(t, t.TempDir(), nil, "passwd", "--via", "ldap", "--via-url", "ldaps://127.0.0.1:1", "--username", "alice")
	out.waitFor(t, "The current password: ")
	silent(t, near)
	_, _ = near.WriteString("\x03")
	text, err := end()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(text, "ask for a secret: stopped") {
		t.Errorf("got %v and\n%s", err, text)
	}
}

// atTerminal starts rely at a terminal of its own. end waits for it and gives
// all that was on the screen.
func atTerminal(t *testing.T, home string, env []string, args ...string) (near *os.File, out *screen, end func() (string, error)) {
	t.Helper()
	near, far := terminal(t, 200)
	program, err := exec.LookPath("rely")
	if err != nil {
		t.Fatal(err)
	}
	rely := exec.CommandContext(t.Context(), program, args...)
	rely.Env = append([]string{"HOME=" + home, "RELY_HOME=" + filepath.Join(home, "rely"), "PATH=" + os.Getenv("PATH"), "TERM=xterm", "LANG=C.UTF-8",
		"GORACE=atexit_sleep_ms=0"}, env...)
	rely.Stdin, rely.Stdout, rely.Stderr = far, far, far
	rely.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := rely.Start(); err != nil {
		t.Fatal(err)
	}
	_ = far.Close()
	out = &screen{more: make(chan bool, 100)}
	read := make(chan bool)
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := near.Read(buf)
			_, _ = out.Write(buf[:n])
			if err != nil {
				return // EIO: nobody has the other end open any more
			}
		}
	}()
	return near, out, func() (string, error) {
		err := rely.Wait()
		<-read
		return out.String(), err
	}
}

// silent waits until the terminal shows no more what is typed: a person is
// never as fast as a test.
func silent(t *testing.T, near *os.File) {
	t.Helper()
	for t.Context().Err() == nil {
		var mode syscall.Termios
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, near.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&mode))); errno != 0 {
			t.Fatal(errno)
		}
		if mode.Lflag&syscall.ECHO == 0 {
			return
		}
		runtime.Gosched()
	}
}

// terminal is both ends of a new pseudo-terminal (pty(7)).
func terminal(t *testing.T, columns uint16) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { _ = near.Close() })
	control := func(request uintptr, at unsafe.Pointer) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, near.Fd(), request, uintptr(at)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var number, locked int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&[4]uint16{50, columns, 0, 0}))
	far, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}
