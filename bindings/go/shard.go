package licentia

import (
	"context"
	"time"
)

// shard is one instance with a gate, and what waits for the store.
type shard struct {
	*instance
	store   Store
	timeout time.Duration
	clock   func() Now
	// waiting has who waits for a decision, by its number. The instance's lock guards it.
	waiting map[uint32]chan pending
	// asking counts questions that are on their way, and idle has who waits until there are none.
	asking int
	idle   []chan struct{}
	// used says that somebody has asked since units were looked after.
	used bool
}

// pending is a decision that was waited for.
type pending struct {
	answer      reader
	reservation uint32
	err         error
	shard       *shard
}

func newShard(s *settings) (*shard, error) {
	it, err := newInstance()
	if err != nil {
		return nil, err
	}
	return &shard{instance: it, store: s.store, timeout: s.storeTimeout, clock: s.clock, waiting: map[uint32]chan pending{}}, nil
}

func (s *shard) build(settings *settings) error {
	_, err := s.run(opBuild, settings.write, settings.clock())
	return err
}

// run runs an operation under the lock.
func (s *shard) run(operation int32, build func(*writer), now Now) (reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked(operation, build, now)
}

func (s *shard) locked(operation int32, build func(*writer), now Now) (reader, error) {
	s.scratch.b = s.scratch.b[:0]
	build(&s.scratch)
	return s.call(operation, s.scratch.b, now)
}

// decide makes a decision, and waits for the store if it must.
func (s *shard) decide(ctx context.Context, operation int32, token string, request *Request, now Now) (*Decision, *pending, error) {
	made, err := s.begin(ctx, operation, token, request, now)
	if err != nil {
		return nil, nil, err
	}
	decision := readDecision(&made.answer, token)
	if operation == opReserve && made.reservation == 0 {
		made.reservation = made.answer.u32()
	}
	return decision, &made, nil
}

func (s *shard) begin(ctx context.Context, operation int32, token string, request *Request, now Now) (pending, error) {
	s.mu.Lock()
	s.scratch.b = s.scratch.b[:0]
	request.write(&s.scratch, token)
	answer, err := s.call(operation, s.scratch.b, now)
	if err != nil {
		s.mu.Unlock()
		return pending{}, err
	}
	s.used = true
	if answer.u8() == 0 {
		s.mu.Unlock()
		return pending{answer: answer, shard: s}, nil
	}
	number, wait := answer.u32(), make(chan pending, 1)
	s.waiting[number] = wait
	s.askStore(now)
	s.mu.Unlock()
	select {
	case made := <-wait:
		made.shard = s
		return made, made.err
	case <-ctx.Done():
		return pending{}, s.giveUp(number, wait, ctx.Err())
	}
}

// giveUp takes back what a request was charged that nobody waits for.
func (s *shard) giveUp(number uint32, wait chan pending, why error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, waits := s.waiting[number]; waits {
		delete(s.waiting, number)
		_, _ = s.locked(opCancel, func(w *writer) { w.u32(number) }, s.clock())
		return why
	}
	// It was decided meanwhile.
	if made := <-wait; made.reservation != 0 {
		_, _ = s.locked(opCancelReservation, func(w *writer) { w.u32(made.reservation) }, s.clock())
	}
	return why
}

// question is an operation that the module wants done.
type question struct {
	number uint32
	op     Op
}

func readQuestions(r *reader) []question {
	questions := make([]question, r.u32())
	for i := range questions {
		number, record := r.u32(), reader{s: r.text()}
		questions[i] = question{number, readOp(&record)}
	}
	return questions
}

// askStore asks the store what the module wants to know, in another goroutine. The caller holds the lock.
func (s *shard) askStore(now Now) {
	answer, err := s.locked(opQuestions, func(*writer) {}, now)
	if err != nil {
		s.fail(err)
		return
	}
	s.send(readQuestions(&answer))
}

// send asks the store. The caller holds the lock.
func (s *shard) send(questions []question) {
	if len(questions) == 0 {
		return
	}
	s.asking++
	go func() { s.bring(questions, s.do(questions)) }()
}

// do asks the store. What it does not answer in time is in doubt.
func (s *shard) do(questions []question) (answers []Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	ops := make([]Op, len(questions))
	for i := range questions {
		ops[i] = questions[i].op
	}
	done := make(chan []Answer, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- nil
			}
		}()
		done <- s.store.Do(ctx, ops)
	}()
	select {
	case answers = <-done:
	case <-ctx.Done():
		// A store that returns when the context is done says more.
		select {
		case answers = <-done:
		case <-time.After(100 * time.Millisecond):
		}
	}
	for len(answers) < len(ops) {
		answers = append(answers, Answer{Err: &StoreError{Fault: InDoubt, Err: wrongStore("it gave no answer")}})
	}
	return answers
}

// bring passes answers to the module, and decisions to those who wait for them.
func (s *shard) bring(questions []question, answers []Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.answered()
	answer, err := s.locked(opAnswers, func(w *writer) {
		w.u32(uint32(len(questions)))
		for i, question := range questions {
			w.u32(question.number)
			writeAnswer(w, &answers[i])
		}
	}, s.clock())
	if err != nil {
		s.fail(err)
		return
	}
	for range answer.u32() {
		number, record, reservation := answer.u32(), answer.text(), answer.u32()
		if wait, waits := s.waiting[number]; waits {
			delete(s.waiting, number)
			wait <- pending{answer: reader{s: record}, reservation: reservation}
		}
	}
	s.send(readQuestions(&answer))
}

// answered counts questions that were answered. The caller holds the lock.
func (s *shard) answered() {
	if s.asking--; s.asking > 0 {
		return
	}
	for _, idle := range s.idle {
		close(idle)
	}
	s.idle = nil
}

// fail tells everybody who waits. The caller holds the lock.
func (s *shard) fail(err error) {
	for number, wait := range s.waiting {
		delete(s.waiting, number)
		wait <- pending{err: err}
	}
}

func (s *shard) lookAfter(now Now) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.askStore(now)
	}
}

// settleRounds bounds how often a shard settles: what was on its way when it began is there in the next round.
const settleRounds = 16

// settle gives back what was taken ahead, and waits until the store has it.
func (s *shard) settle(ctx context.Context, now Now) error {
	for range settleRounds {
		s.mu.Lock()
		_, err := s.locked(opSettle, func(*writer) {}, now)
		if err == nil {
			s.askStore(now)
		}
		idle := s.asking == 0
		s.mu.Unlock()
		if err != nil || idle {
			return err
		}
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// flush waits until the store has answered everything that it was asked.
func (s *shard) flush(ctx context.Context) error {
	s.mu.Lock()
	if s.asking == 0 {
		s.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	s.idle = append(s.idle, idle)
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
