package licentia

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Gate decides whether requests may proceed. It is safe for use by many goroutines.
//
// A gate runs several instances of the library, one for each core. A licence is always decided by the same one, through
// renewals and upgrades, so that a rate is counted in one place.
type Gate struct {
	settings *settings
	shards   []*shard
	routes   routes
	// trust guards what is loaded, so that all shards have the same.
	trust  sync.Mutex
	closed atomic.Bool
	stop   chan struct{}
	helper sync.WaitGroup
}

// tick is how often units are fetched ahead or given back.
const tick = 50 * time.Millisecond

// NewGate makes a gate that trusts public keys in their text form ("licpub1_..."), or a keyset: see [WithKeyset].
func NewGate(keys []string, options ...Option) (*Gate, error) {
	s, err := newSettings(keys, options)
	if err != nil {
		return nil, err
	}
	g := &Gate{settings: s, stop: make(chan struct{})}
	g.routes.seed = maphash.MakeSeed()
	for range s.shards {
		shard, err := newShard(s)
		if err != nil {
			return nil, err
		}
		g.shards = append(g.shards, shard)
	}
	if err := g.bringMarks("clock.mark", "keyset.seen"); err != nil {
		return nil, err
	}
	for _, shard := range g.shards {
		if err := shard.build(s); err != nil {
			return nil, err
		}
	}
	if err := g.saveMarks(); err != nil {
		return nil, err
	}
	if s.revocation != nil {
		if _, err := g.LoadRevocation(s.revocation); err != nil {
			return nil, err
		}
	}
	if s.store != nil {
		g.helper.Add(1)
		go g.lookAfter()
	}
	return g, nil
}

// Check decides whether a request that came with token may proceed. A denied request is a [Decision], and no error; an
// error says that the arguments cannot be right, that ctx is done, or that the gate can no longer decide. Treat it as a
// refusal.
func (g *Gate) Check(ctx context.Context, token string, request Request) (*Decision, error) {
	decision, _, err := g.decide(ctx, opCheck, token, &request)
	return decision, err
}

func (g *Gate) decide(ctx context.Context, operation int32, token string, request *Request) (*Decision, *pending, error) {
	if err := request.check(); err != nil {
		return nil, nil, err
	}
	if g.closed.Load() {
		return nil, nil, closed()
	}
	now := g.settings.clock()
	shard := g.shards[g.routes.of(token, len(g.shards))]
	decision, made, err := shard.decide(ctx, operation, token, request, now)
	if err != nil {
		return nil, nil, err
	}
	if len(g.settings.events) > 0 {
		g.report(ctx, request, now, decision)
	}
	return decision, made, nil
}

func closed() error { return &Error{Code: InvalidArgument, text: "the gate is closed"} }

// LoadKeyset replaces the keys by those of a newer keyset, at once; false if it is the one in use. The gate needs
// [WithKeyset]. If the keyset is refused the keys in use stay.
func (g *Gate) LoadKeyset(keyset []byte) (bool, error) {
	return g.load(opLoadKeyset, keyset)
}

// LoadRevocation loads a newer revocation bundle, or a delta on the one in use, at once; false if it is the one in use.
// If the bundle is refused the one in use stays.
func (g *Gate) LoadRevocation(bundle []byte) (bool, error) {
	if g.settings.store != nil {
		answer, err := ask(opBundleMark, func(w *writer) { w.bytes(bundle) }, Now{})
		if err != nil {
			return false, err
		}
		if name := answer.text(); name != "" {
			if err := g.bringMarks(name); err != nil {
				return false, err
			}
		}
	}
	return g.load(opLoadRevocation, bundle)
}

func (g *Gate) load(operation int32, bytes []byte) (bool, error) {
	g.trust.Lock()
	defer g.trust.Unlock()
	if g.closed.Load() {
		return false, closed()
	}
	loaded := false
	for _, shard := range g.shards {
		answer, err := shard.run(operation, func(w *writer) { w.bytes(bytes) }, g.settings.clock())
		if err != nil {
			return false, err
		}
		loaded = answer.u8() != 0 || loaded
	}
	return loaded, g.saveMarks()
}

// BundleInUse is the revocation bundle that a gate has for an issuer.
type BundleInUse struct {
	Sequence uint64
	IssuedAt time.Time
}

// Revocation returns the revocation bundle in use for an issuer's licences of a stream, which is 0 unless the issuer has
// several; nil if there is none.
func (g *Gate) Revocation(issuer string, stream uint64) *BundleInUse {
	answer, err := g.shards[0].run(opBundleInUse, func(w *writer) { w.text(issuer); w.u64(stream) }, g.settings.clock())
	if err != nil || answer.u8() == 0 {
		return nil
	}
	return &BundleInUse{Sequence: answer.u64(), IssuedAt: time.Unix(int64(answer.u64()), 0)}
}

// bringMarks passes marks that the store has to the shards.
func (g *Gate) bringMarks(names ...string) error {
	marks, ok := g.settings.store.(MarkStore)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.settings.storeTimeout)
	defer cancel()
	for _, name := range names {
		value, err := marks.LoadMark(ctx, name)
		if err != nil {
			// Without them the gate would take an old keyset or bundle for a new one.
			return &Error{Code: StoreUnreachable, text: "the mark " + name + " was not loaded: " + err.Error()}
		}
		if value == nil {
			continue
		}
		for _, shard := range g.shards {
			if _, err := shard.run(opBringMark, func(w *writer) { w.text(name); w.bytes(value) }, Now{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// saveMarks saves what the shards must know after a restart. They all have the same.
func (g *Gate) saveMarks() error {
	marks, ok := g.settings.store.(MarkStore)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.settings.storeTimeout)
	defer cancel()
	saved := map[string]bool{}
	for _, shard := range g.shards {
		answer, err := shard.run(opChangedMarks, func(*writer) {}, Now{})
		if err != nil {
			return err
		}
		for range answer.u32() {
			name, value := answer.text(), answer.text()
			if saved[name] {
				continue
			}
			saved[name] = true
			if err := marks.SaveMark(ctx, name, []byte(value)); err != nil {
				return &Error{Code: StoreUnreachable, text: "the mark " + name + " was not saved: " + err.Error()}
			}
		}
	}
	return nil
}

// lookAfter fetches units ahead and gives back what nobody uses.
func (g *Gate) lookAfter() {
	defer g.helper.Done()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	marksDue := 0
	for {
		select {
		case <-g.stop:
			return
		case <-ticker.C:
		}
		now := g.settings.clock()
		for _, shard := range g.shards {
			shard.lookAfter(now)
		}
		// The clock's mark changes rarely. If it cannot be saved now it is the next time.
		if marksDue++; marksDue >= 20 {
			marksDue = 0
			_ = g.saveMarks()
		}
	}
}

// Settle gives back to the store what was taken ahead and not used. Counting goes on.
func (g *Gate) Settle(ctx context.Context) error {
	if g.settings.store == nil {
		return nil
	}
	for _, shard := range g.shards {
		if err := shard.settle(ctx, g.settings.clock()); err != nil {
			return err
		}
	}
	return g.saveMarks()
}

// Close settles, and ends the gate: it decides no more. Units that the store does not take back are lost, and never
// granted twice.
func (g *Gate) Close() error {
	if g.closed.Swap(true) {
		return nil
	}
	close(g.stop)
	g.helper.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), g.settings.storeTimeout)
	defer cancel()
	return g.Settle(ctx)
}

// routes knows which shard decides on a token.
type routes struct {
	seed  maphash.Seed
	known sync.Map // of the token's text to the shard
	count atomic.Int64
}

// mostRoutes is how many tokens are remembered.
const mostRoutes = 1 << 16

// of returns the shard of a token: by its lineage, which may be a forged one, but is then refused.
func (r *routes) of(token string, shards int) int {
	if shards == 1 {
		return 0
	}
	if shard, known := r.known.Load(token); known {
		return shard.(int)
	}
	by := ""
	if len(token) <= mostToken {
		if answer, err := ask(opLineage, func(w *writer) { w.text(token) }, Now{}); err == nil {
			by = answer.take(16)
		}
	}
	if by == "" {
		// It is no licence: any shard says so.
		return int(maphash.String(r.seed, token[:min(len(token), 64)]) % uint64(shards))
	}
	shard := int(maphash.String(r.seed, by) % uint64(shards))
	if r.count.Add(1) > mostRoutes {
		r.known.Clear()
		r.count.Store(1)
	}
	r.known.Store(token, shard)
	return shard
}
