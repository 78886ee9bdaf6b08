package licentia

import (
	"context"
	"sync"
	"time"
)

// Reservation holds the most that work may cost, until what it did cost is committed. Always end it with Commit or
// Cancel: what is neither stays charged until the gate is closed.
type Reservation struct {
	shard  *shard
	number uint32
	job    bool
	once   sync.Once
}

// Reserve decides as [Gate.Check] does, and reserves what the request's meters may cost at most. The reservation is nil
// unless the request is allowed.
func (g *Gate) Reserve(ctx context.Context, token string, request Request) (*Decision, *Reservation, error) {
	decision, made, err := g.decide(ctx, opReserve, token, &request)
	if err != nil || made.reservation == 0 {
		return decision, nil, err
	}
	return decision, &Reservation{shard: made.shard, number: made.reservation, job: request.Job != ""}, nil
}

// Commit charges what the work did cost, and gives back the rest. A meter that is not named costs all that was reserved.
// More than was reserved is refused, and all of it is charged.
func (r *Reservation) Commit(ctx context.Context, actual ...Cost) error {
	if err := checkCosts("the costs", actual); err != nil {
		return err
	}
	return r.end(ctx, opCommit, func(w *writer) {
		w.u8(uint8(len(actual)))
		for _, cost := range actual {
			w.text(cost.Name)
			w.u64(cost.Units)
		}
	})
}

// Cancel gives everything back. After Commit it does nothing, so that it can be deferred.
func (r *Reservation) Cancel(ctx context.Context) {
	_ = r.end(ctx, opCancelReservation, func(*writer) {})
}

func (r *Reservation) end(ctx context.Context, operation int32, build func(*writer)) error {
	err, ended := error(nil), true
	r.once.Do(func() {
		ended = false
		s := r.shard
		s.mu.Lock()
		_, err = s.locked(operation, func(w *writer) { w.u32(r.number); build(w) }, s.clock())
		if s.store != nil && s.failed == nil {
			s.askStore(s.clock())
		}
		s.mu.Unlock()
		if r.job && s.store != nil && err == nil {
			err = s.flush(ctx)
		}
	})
	if ended && operation == opCommit {
		return wrong("the reservation has ended")
	}
	return err
}

// Seat is one of the places that a licence has for those who use it at the same time.
type Seat struct {
	gate          *Gate
	shard         *shard
	token, holder string
	ttl           time.Duration
	account       Account
	mu            sync.Mutex
	until         time.Time
}

// CheckOut decides as [Gate.Check] does, and takes a seat for a holder, which it has for ttl unless it asks again. The
// seat is nil unless the request is allowed.
func (g *Gate) CheckOut(ctx context.Context, token, holder string, ttl time.Duration, request Request) (*Decision, *Seat, error) {
	decision, account, until, shard, err := g.seat(ctx, token, holder, ttl, &request)
	if err != nil || until.IsZero() {
		return decision, nil, err
	}
	return decision, &Seat{gate: g, shard: shard, token: token, holder: holder, ttl: ttl, account: account, until: until}, nil
}

func (g *Gate) seat(ctx context.Context, token, holder string, ttl time.Duration, request *Request) (*Decision, Account, time.Time, *shard, error) {
	var account Account
	if err := request.check(); err != nil {
		return nil, account, time.Time{}, nil, err
	}
	if err := checkText("the holder", holder); err != nil {
		return nil, account, time.Time{}, nil, err
	}
	if g.closed.Load() {
		return nil, account, time.Time{}, nil, closed()
	}
	s, now := g.shards[g.routes.of(token, len(g.shards))], g.settings.clock()
	build := func(w *writer) {
		request.write(w, token)
		w.text(holder)
		w.u64(uint64(max(0, ttl) / time.Second))
	}
	answer, err := s.run(opAskSeat, build, now)
	if err != nil {
		return nil, account, time.Time{}, nil, err
	}
	var granted bool
	var said Answer
	asked := answer.u8() == 1
	if asked {
		op := readOp(&answer)
		account = op.Account
		if s.store != nil {
			said = s.do([]question{{0, op}})[0]
			granted = said.Err == nil && said.Granted
		}
	}
	s.mu.Lock()
	if asked && s.store != nil {
		_, err = s.locked(opBringSeat, func(w *writer) { writeAnswer(w, &said) }, now)
	}
	if err == nil {
		answer, err = s.locked(opSeat, build, now)
	}
	s.mu.Unlock()
	if err != nil {
		return nil, account, time.Time{}, nil, err
	}
	answer.u8()
	decision := readDecision(&answer, token)
	var until time.Time
	if seconds := answer.u64(); seconds != none {
		until = time.Unix(int64(seconds), 0)
	}
	if granted && until.IsZero() {
		// Another check denied the request: the seat goes back.
		s.do([]question{{0, Op{Kind: ReleaseSeat, Account: account, Holder: holder}}})
	}
	if len(g.settings.events) > 0 {
		g.report(ctx, request, now, decision)
	}
	return decision, account, until, s, nil
}

// Holder is who has the seat.
func (s *Seat) Holder() string { return s.holder }

// Until is when the seat ends unless it is asked for again.
func (s *Seat) Until() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}

// Heartbeat asks for the seat again, before its time is over.
func (s *Seat) Heartbeat(ctx context.Context, request Request) (*Decision, error) {
	decision, _, until, _, err := s.gate.seat(ctx, s.token, s.holder, s.ttl, &request)
	if err == nil && !until.IsZero() {
		s.mu.Lock()
		s.until = until
		s.mu.Unlock()
	}
	return decision, err
}

// Release gives the seat back. If the store cannot be reached, the seat is free when its time is over.
func (s *Seat) Release() error {
	op := Op{Kind: ReleaseSeat, Account: s.account, Holder: s.holder}
	if s.shard.store != nil {
		return s.shard.do([]question{{0, op}})[0].Err
	}
	answer, err := s.shard.run(opStore, func(w *writer) { writeOp(w, &op) }, s.shard.clock())
	if err != nil {
		return err
	}
	said := readAnswer(&answer)
	return said.Err
}
