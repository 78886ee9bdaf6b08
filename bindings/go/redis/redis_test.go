package redis

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

const vectors = "../../../tests/vectors/store.json"

// start starts a server of the test's own, and returns its URL.
func start(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is missing: install redis-server")
	}
	socket := filepath.Join(t.TempDir(), "socket")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--loglevel", "warning")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for range 1000 {
		if connection, err := net.Dial("unix", socket); err == nil {
			connection.Close()
			return "unix://" + socket
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer")
	return ""
}

func open(t testing.TB, url string) *Store {
	t.Helper()
	store, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestTheScriptsAreThoseOfTheLibrary(t *testing.T) {
	files, err := filepath.Glob("*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source := filepath.Join("../../../sdk/src/store", file)
		ours, _ := os.ReadFile(file)
		theirs, err := os.ReadFile(source)
		if err != nil || string(ours) != string(theirs) {
			t.Errorf("%s is not %s: copy it (%v)", file, source, err)
		}
	}
}

func TestStoreVectors(t *testing.T) {
	if ran := storetest.Run(t, vectors, open(t, start(t)), "quota", "taker", "job"); ran < 100 {
		t.Fatal(ran)
	}
}

// TestOneQuota uses a quota from many goroutines of several gates at once, exactly.
func TestOneQuota(t *testing.T) {
	url := start(t)
	var granted atomic.Uint64
	var group sync.WaitGroup
	var gates []*licentia.Gate
	ask := func(gate *licentia.Gate) bool {
		decision, err := gate.Check(context.Background(), storetest.Token, licentia.Request{Meters: []licentia.Cost{{Name: storetest.Meter, Units: 1}}})
		if err != nil {
			t.Error(err)
			return false
		}
		if decision.Allowed {
			granted.Add(1)
		} else if decision.Code != licentia.QuotaExceeded {
			t.Error(decision.Code)
		}
		return decision.Allowed
	}
	for range 3 {
		store := open(t, url)
		gate, err := licentia.NewGate([]string{storetest.Key}, licentia.WithStore(store), licentia.WithShards(2), licentia.WithClock(storetest.Clock), licentia.WithAudience(storetest.Audience))
		if err != nil {
			t.Fatal(err)
		}
		defer gate.Close()
		gates = append(gates, gate)
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range storetest.Limit / 20 {
					ask(gate)
				}
			}()
		}
	}
	group.Wait()
	// What one gate had taken ahead when its requests ended is there for another one, once it is given back.
	for _, gate := range gates {
		if err := gate.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for ask(gates[0]) {
	}
	if granted.Load() != storetest.Limit {
		t.Fatalf("%d of %d", granted.Load(), storetest.Limit)
	}
}

func TestAClientThatSendsAgainIsRefused(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer client.Close()
	if _, err := New(client); err == nil {
		t.Fatal("it was taken")
	}
}

func TestAServerThatIsGoneIsNotReached(t *testing.T) {
	store := open(t, "redis://127.0.0.1:1/0")
	answer := store.Do(context.Background(), []licentia.Op{{Kind: licentia.Take, Need: 1, Want: 1, Limit: 1}})[0]
	failed, ok := answer.Err.(*licentia.StoreError)
	if !ok || failed.Fault != licentia.NotSent {
		t.Fatalf("%v", answer.Err)
	}
}
