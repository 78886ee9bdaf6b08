package licentia

import (
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/licentia/licentia/bindings/go/internal/module"
)

// instance is one instance of the module. It has one thread: who calls it holds its lock.
type instance struct {
	mu     sync.Mutex
	module *module.Module
	// in is where records go, and has room for size bytes.
	in   int32
	size int
	// scratch is where records are built.
	scratch writer
	// failed says why the module can no longer be used.
	failed error
}

// firstSize is the room for records at first: enough for every token and usual request.
const firstSize = 16 << 10

// newInstance starts the module, with randomness of its own.
func newInstance() (*instance, error) {
	it := &instance{module: module.New()}
	var seed [32]byte
	rand.Read(seed[:])
	it.mu.Lock()
	defer it.mu.Unlock()
	_, err := it.call(opSeed, seed[:], Now{})
	return it, err
}

// call runs an operation and returns its answer, which is the caller's. The caller holds the lock.
func (it *instance) call(operation int32, record []byte, now Now) (answer reader, err error) {
	if it.failed != nil {
		return reader{}, it.failed
	}
	// A fault of the module is a panic of its translation. What it had counted may be gone: it is never used again.
	defer func() {
		if cause := recover(); cause != nil {
			it.failed = &Error{Code: Internal, text: fmt.Sprintf("the module failed, and lost what it had counted: %v", cause)}
			answer, err = reader{}, it.failed
		}
	}()
	if len(record) > it.size {
		it.grow(len(record))
	}
	memory := *it.module.Xmemory().Slice()
	copy(memory[uint32(it.in):], record)
	packed := uint64(it.module.Xlicentia_call(operation, it.in, int32(len(record)), int64(now.Seconds), int64(now.Monotonic)))
	memory = *it.module.Xmemory().Slice()
	start, length := packed>>32, packed&0xffff_ffff
	answer = reader{s: string(memory[start : start+length])}
	if code := Code(answer.u16()); code != Allowed {
		return reader{}, &Error{Code: code, text: answer.text()}
	}
	return answer, nil
}

// grow makes room for a record.
func (it *instance) grow(length int) {
	size := max(firstSize, 2*it.size, length)
	if it.in != 0 {
		it.module.Xlicentia_free(it.in, int32(it.size))
	}
	it.in = it.module.Xlicentia_alloc(int32(size))
	it.size = size
	if it.in == 0 {
		it.size = 0
		panic("out of memory")
	}
}

// spare is the instance for what needs no gate.
var spare = sync.OnceValues(newInstance)

// ask runs an operation that needs no gate.
func ask(operation int32, build func(*writer), now Now) (reader, error) {
	it, err := spare()
	if err != nil {
		return reader{}, err
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	it.scratch.b = it.scratch.b[:0]
	build(&it.scratch)
	return it.call(operation, it.scratch.b, now)
}
