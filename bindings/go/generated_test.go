package licentia

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that are made from the library's sources")

// goName is a name such as quota_exceeded in Go's way.
func goName(name string) string {
	var parts strings.Builder
	for part := range strings.SplitSeq(strings.ToLower(name), "_") {
		switch part {
		case "http", "utf8":
			part = strings.ToUpper(part)
		default:
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		parts.WriteString(part)
	}
	return parts.String()
}

// codesFile has a constant for each code.
func codesFile(t *testing.T) string {
	var file struct{ Codes []codeEntry }
	read(t, "codes", &file)
	text := "package licentia\n\n// The codes. `go test -run Generated -update .` writes this file.\nconst (\n"
	for _, entry := range append(file.Codes, codeEntry{900, "internal", "The library failed.", ""}) {
		text += fmt.Sprintf("// %s: %s\n%[1]s Code = %[3]d\n", goName(entry.Name), entry.Message, entry.Number)
	}
	return text + ")\n"
}

// numbersFile has what the module and this package agree on.
func numbersFile(t *testing.T) string {
	source, err := os.ReadFile("../../ffi/host/src/number.rs")
	if err != nil {
		t.Fatal(err)
	}
	prefixes := map[string]string{
		"operation": "op", "gate_flag": "gate", "request_flag": "request", "decision_bit": "decision", "question": "", "answer": "",
	}
	text := "package licentia\n\n// Numbers of ffi/host/src/number.rs. `go test -run Generated -update .` writes this file.\n"
	prefix, known := "", false
	for line := range strings.Lines(string(source)) {
		if found := regexp.MustCompile(`^pub mod (\w+) \{`).FindStringSubmatch(line); found != nil {
			if prefix, known = prefixes[found[1]]; !known {
				t.Fatalf("number.rs has a module %s that is not known here", found[1])
			}
			if prefix != "" {
				text += "\nconst (\n"
			}
		} else if found := regexp.MustCompile(`^    pub const (\w+): u32 = (\d+);`).FindStringSubmatch(line); found != nil && prefix != "" {
			text += fmt.Sprintf("%s%s = %s\n", prefix, goName(found[1]), found[2])
		} else if strings.HasPrefix(line, "}") && prefix != "" {
			text += ")\n"
		}
	}
	return text
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	for name, made := range map[string]string{"codes.go": codesFile(t), "numbers.go": numbersFile(t)} {
		expected, err := format.Source([]byte(made))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, expected, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if found, err := os.ReadFile(name); err != nil || string(found) != string(expected) {
			t.Errorf("%s is outdated: run `go test -run Generated -update .` (%v)", name, err)
		}
	}
}
