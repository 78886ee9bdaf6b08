package licentia

import (
	"context"
	"crypto/rand"
	"log/slog"
	"runtime"
	"time"
)

// Option sets up a gate.
type Option func(*settings) error

// Now is the time of a request: the wall clock in seconds since 1970, and a monotonic clock in nanoseconds.
type Now struct{ Seconds, Monotonic uint64 }

type settings struct {
	keys                                                         []string
	root                                                         string
	keyset, revocation                                           []byte
	issuer, audience                                             string
	flags                                                        uint32
	skew, proofAge, replayCapacity, cacheCapacity, keyTableBytes uint64
	nonceSecret                                                  [32]byte
	store                                                        Store
	storeTimeout                                                 time.Duration
	clock                                                        func() Now
	events                                                       []func(context.Context, Event)
	shards                                                       int
}

var started = time.Now()

func systemClock() Now {
	now := time.Now()
	return Now{Seconds: uint64(max(0, now.Unix())), Monotonic: uint64(max(0, now.Sub(started)))}
}

func newSettings(keys []string, options []Option) (*settings, error) {
	s := &settings{keys: keys, clock: systemClock, shards: min(runtime.GOMAXPROCS(0), 16), storeTimeout: time.Second}
	// All instances of the gate must take each other's nonces.
	rand.Read(s.nonceSecret[:])
	s.flags = gateNonceSecret
	if len(keys) > mostItems {
		return nil, wrong("keys has %d entries: give at most %d, or a keyset", len(keys), mostItems)
	}
	for _, key := range keys {
		if err := checkText("a key", key); err != nil {
			return nil, err
		}
	}
	for _, option := range options {
		if option == nil {
			return nil, wrong("an option is nil")
		}
		if err := option(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) write(w *writer) {
	w.u32(s.flags)
	text := func(flag uint32, text string) {
		if s.flags&flag != 0 {
			w.text(text)
		}
	}
	number := func(flag uint32, number uint64) {
		if s.flags&flag != 0 {
			w.u64(number)
		}
	}
	text(gateIssuer, s.issuer)
	text(gateAudience, s.audience)
	if s.flags&gateKeyset != 0 {
		w.text(s.root)
		w.bytes(s.keyset)
	}
	number(gateSkew, s.skew)
	number(gateProofAge, s.proofAge)
	number(gateReplayCapacity, s.replayCapacity)
	number(gateCacheCapacity, s.cacheCapacity)
	number(gateKeyTableBytes, s.keyTableBytes)
	w.raw(s.nonceSecret[:])
	w.u8(uint8(len(s.keys)))
	for _, key := range s.keys {
		w.text(key)
	}
}

// WithKeyset trusts the keys of a keyset, which the root key has signed, and lets the gate load newer ones.
func WithKeyset(root string, keyset []byte) Option {
	return func(s *settings) error {
		s.root, s.keyset, s.flags = root, keyset, s.flags|gateKeyset
		return checkText("the root key", root)
	}
}

// WithRevocation loads a revocation bundle.
func WithRevocation(bundle []byte) Option {
	return func(s *settings) error { s.revocation = bundle; return nil }
}

// WithRequiredRevocation refuses licences whose issuer has no bundle here.
func WithRequiredRevocation() Option { return flagged(gateRequireRevocation) }

// WithAdvisory allows what would be refused, in the state [Advisory]: to try a gate out.
func WithAdvisory() Option { return flagged(gateAdvisory) }

// WithSharedRates counts rates in the store, for all processes together.
func WithSharedRates() Option { return flagged(gateShareRates) }

// WithoutPrefetch takes units from the store only when a request needs them.
func WithoutPrefetch() Option { return flagged(gateNoPrefetch) }

// WithRequiredProofNonce refuses proofs without a nonce that the gate has handed out.
func WithRequiredProofNonce() Option { return flagged(gateRequireProofNonce) }

func flagged(flag uint32) Option {
	return func(s *settings) error { s.flags |= flag; return nil }
}

// WithIssuer refuses licences of other issuers.
func WithIssuer(issuer string) Option {
	return func(s *settings) error {
		s.issuer, s.flags = issuer, s.flags|gateIssuer
		return checkText("the issuer", issuer)
	}
}

// WithAudience is the service that licences must be for.
func WithAudience(audience string) Option {
	return func(s *settings) error {
		s.audience, s.flags = audience, s.flags|gateAudience
		return checkText("the audience", audience)
	}
}

func seconds(what string, d time.Duration, flag uint32, place func(*settings) *uint64) Option {
	return func(s *settings) error {
		if d < 0 {
			return wrong("%s is %v: give a duration that is not negative", what, d)
		}
		*place(s), s.flags = uint64(d/time.Second), s.flags|flag
		return nil
	}
}

// WithSkew is by how much the clocks of issuer and service may differ; a minute by default.
func WithSkew(skew time.Duration) Option {
	return seconds("the skew", skew, gateSkew, func(s *settings) *uint64 { return &s.skew })
}

// WithProofAge is how old a proof may be; a minute by default.
func WithProofAge(age time.Duration) Option {
	return seconds("the age of proofs", age, gateProofAge, func(s *settings) *uint64 { return &s.proofAge })
}

func size(what string, n int, flag uint32, place func(*settings) *uint64) Option {
	return func(s *settings) error {
		if n < 0 || int64(n) > 1<<31-1 {
			return wrong("%s is %d: give a number from 0 to %d", what, n, 1<<31-1)
		}
		*place(s), s.flags = uint64(n), s.flags|flag
		return nil
	}
}

// WithReplayCapacity is how many proofs each of the gate's shards remembers.
func WithReplayCapacity(proofs int) Option {
	return size("the replay capacity", proofs, gateReplayCapacity, func(s *settings) *uint64 { return &s.replayCapacity })
}

// WithCacheCapacity is how many tokens each of the gate's shards keeps verified; 4096 by default.
func WithCacheCapacity(tokens int) Option {
	return size("the cache capacity", tokens, gateCacheCapacity, func(s *settings) *uint64 { return &s.cacheCapacity })
}

// WithPreparedKeys builds tables of so many bytes for each key, which makes the first check of a token faster.
func WithPreparedKeys(bytes int) Option {
	return size("the size of key tables", bytes, gateKeyTableBytes, func(s *settings) *uint64 { return &s.keyTableBytes })
}

// WithNonceSecret is the secret of the nonces that the gate hands out. Processes that share it take each other's.
func WithNonceSecret(secret [32]byte) Option {
	return func(s *settings) error { s.nonceSecret = secret; return nil }
}

// WithStore counts in a store that other gates share. Without it, the gate counts in its own memory.
func WithStore(store Store) Option {
	return func(s *settings) error {
		if store == nil {
			return wrong("the store is nil")
		}
		s.store, s.flags = store, s.flags|gateHosted
		return nil
	}
}

// WithStoreTimeout is how long the store may take, after which the licence's policy decides; a second by default.
func WithStoreTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return wrong("the store's timeout is %v: give a positive duration", timeout)
		}
		s.storeTimeout = timeout
		return nil
	}
}

// WithClock replaces the system's clocks, for simulations.
func WithClock(clock func() Now) Option {
	return func(s *settings) error {
		if clock == nil {
			return wrong("the clock is nil")
		}
		s.clock = clock
		return nil
	}
}

// WithEvents calls a function for each decision, in the goroutine of the request. It must not block.
func WithEvents(events func(context.Context, Event)) Option {
	return func(s *settings) error {
		if events == nil {
			return wrong("the function for events is nil")
		}
		s.events = append(s.events, events)
		return nil
	}
}

// WithLogger logs denied requests at the level Info, and warnings at Warn. Tokens and keys are never logged.
func WithLogger(logger *slog.Logger) Option {
	if logger == nil {
		return func(*settings) error { return wrong("the logger is nil") }
	}
	return WithEvents(func(ctx context.Context, event Event) { event.log(ctx, logger) })
}

// WithShards is how many instances of the library the gate runs, one for each core by default. A licence is always
// decided by the same one.
func WithShards(shards int) Option {
	return func(s *settings) error {
		if shards < 1 || shards > 256 {
			return wrong("shards is %d: give a number from 1 to 256", shards)
		}
		s.shards = shards
		return nil
	}
}
