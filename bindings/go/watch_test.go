package licentia

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAWatchLoadsWhatIsNewAndKeepsWhatIsGood(t *testing.T) {
	var file gateFile
	read(t, "gate", &file)
	test := file.TestGroups[0].Tests[0]
	path := filepath.Join(t.TempDir(), "keyset")
	var keysets [][]byte
	for _, step := range test.Steps {
		if step.Do == "load" {
			keysets = append(keysets, unhex(t, step.Keyset))
		}
	}
	gate, err := NewGate(nil, WithKeyset(*test.Root, keysets[0]), WithClock(func() Now { return Now{Seconds: 1_800_000_000} }))
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, 100)
	watch := Watch{Keyset: FileSource(path), Every: 10 * time.Millisecond, OnError: func(err error) { failed <- err }}
	if err := gate.Watch(ctx, watch); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, keysets[len(keysets)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		// The newest is in use when it is loaded again and is nothing new.
		if loaded, err := gate.LoadKeyset(keysets[len(keysets)-1]); err == nil && !loaded {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not loaded")
		}
	}
	if err := os.WriteFile(path, []byte("no keyset"), 0o644); err != nil {
		t.Fatal(err)
	}
	for err := range failed {
		var known *Error
		if errors.As(err, &known) {
			break
		}
	}
	if err := gate.Watch(ctx, Watch{}); err == nil {
		t.Fatal("a watch of nothing")
	}
}
