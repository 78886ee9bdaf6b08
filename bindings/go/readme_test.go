package licentia_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

// TestTheReadmesProgramRuns runs it in an empty project, without a C compiler.
func TestTheReadmesProgramRuns(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```go\n")
	program, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("README.md has no program")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder, bin := t.TempDir(), t.TempDir()
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if compiler, err = filepath.EvalSymlinks(compiler); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(compiler, filepath.Join(bin, "go")); err != nil {
		t.Fatal(err)
	}
	run := func(arguments ...string) string {
		t.Helper()
		command := exec.Command(filepath.Join(bin, "go"), arguments...)
		command.Dir = folder
		// No C compiler, no proxy, and no workspace of ours.
		command.Env = append(os.Environ(), "PATH="+bin, "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=mod", "CC=")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
		return string(out)
	}
	module := "github.com/licentia/licentia/bindings/go"
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	run("mod", "init", "example")
	run("mod", "edit", "-require", module+"@v0.0.0")
	run("mod", "edit", "-replace", module+"="+here)
	run("build", "-o", "example", ".")
	out, err := exec.Command(filepath.Join(folder, "example"), storetest.Key, storetest.Token).CombinedOutput()
	if err != nil || string(out) != "go on, customer-42 99999 left\n" {
		t.Fatalf("%v\n%s", err, out)
	}
}
