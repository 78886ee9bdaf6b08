package licentia_test

import (
	"testing"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

func TestStoreVectors(t *testing.T) {
	memory, err := licentia.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	// Memory loses no answer, and keeps no takers.
	if ran := storetest.Run(t, "../../tests/vectors/store.json", memory, "quota", "job"); ran < 100 {
		t.Fatal(ran)
	}
}
