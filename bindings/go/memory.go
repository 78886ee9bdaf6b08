package licentia

import (
	"context"
	"sync"
)

// Memory is a store in the memory of this process, for several gates that count together and for tests. A restart loses
// the counts. It shares no rates. A gate without a store counts in its own memory, which is faster.
type Memory struct {
	it    *instance
	mu    sync.Mutex
	marks map[string][]byte
}

// NewMemory makes an empty store.
func NewMemory() (*Memory, error) {
	it, err := newInstance()
	if err != nil {
		return nil, err
	}
	return &Memory{it: it, marks: map[string][]byte{}}, nil
}

// Do runs operations, each in one step.
func (m *Memory) Do(_ context.Context, ops []Op) []Answer {
	m.it.mu.Lock()
	defer m.it.mu.Unlock()
	answers := make([]Answer, len(ops))
	for i := range ops {
		m.it.scratch.b = m.it.scratch.b[:0]
		writeOp(&m.it.scratch, &ops[i])
		answer, err := m.it.call(opStore, m.it.scratch.b, Now{})
		if err != nil {
			answers[i].Err = &StoreError{Fault: NotSent, Err: err}
			continue
		}
		answers[i] = readAnswer(&answer)
	}
	return answers
}

// LoadMark returns the value that was saved under a name, or nil.
func (m *Memory) LoadMark(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[name], nil
}

// SaveMark saves a value under a name.
func (m *Memory) SaveMark(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks[name] = append([]byte(nil), value...)
	return nil
}
