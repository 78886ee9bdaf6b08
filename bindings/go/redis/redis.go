// Package redis counts in Redis or Valkey: with the same keys and the same scripts as the other languages, so that all
// of them count one quota together.
package redis

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	licentia "github.com/licentia/licentia/bindings/go"
)

//go:embed take.lua
var take string

//go:embed give_back.lua
var giveBack string

//go:embed resolve.lua
var resolve string

//go:embed job.lua
var job string

//go:embed charge_job.lua
var chargeJob string

//go:embed finish_job.lua
var finishJob string

//go:embed take_rate.lua
var takeRate string

//go:embed take_seat.lua
var takeSeat string

var scripts = map[licentia.OpKind]*redis.Script{
	licentia.Take:      redis.NewScript(take),
	licentia.GiveBack:  redis.NewScript(giveBack),
	licentia.Resolve:   redis.NewScript(resolve),
	licentia.ChargeJob: redis.NewScript(job + chargeJob),
	licentia.FinishJob: redis.NewScript(job + finishJob),
	licentia.TakeRate:  redis.NewScript(takeRate),
	licentia.TakeSeat:  redis.NewScript(takeSeat),
}

const (
	// greatest is the largest number that Lua counts exactly. No limit of a licence is above.
	greatest = 1<<53 - 1
	// longest is how long a seat may be held, and kept how long seats are remembered, in seconds.
	longest = 31 * 86_400
	kept    = longest + 86_400
)

// Store is a store in Redis or Valkey.
type Store struct {
	client redis.UniversalClient
	prefix string
}

// Option sets up a store.
type Option func(*Store) error

// WithPrefix is what all keys begin with, in place of "licentia": for vendors or environments that share a server.
func WithPrefix(prefix string) Option {
	return func(s *Store) error {
		plain := func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.:-", r)
		}
		if len(prefix) < 1 || len(prefix) > 64 || strings.ContainsFunc(prefix, func(r rune) bool { return !plain(r) }) {
			return errors.New("licentia: the prefix is 1 to 64 letters, digits and _ . : -")
		}
		s.prefix = prefix
		return nil
	}
}

// Open connects to a server by its URL, as go-redis takes it: redis://HOST:PORT/DATABASE, rediss:// for TLS, or
// unix:///PATH. It connects when it is first needed.
func Open(url string, options ...Option) (*Store, error) {
	parsed, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	parsed.MaxRetries = -1
	return New(redis.NewClient(parsed), options...)
}

// New counts through a client, which may be one of a cluster. Its MaxRetries must be -1: go-redis would else send an
// operation again whose answer was lost, and count it twice.
func New(client redis.UniversalClient, options ...Option) (*Store, error) {
	if client == nil {
		return nil, errors.New("licentia: the client is nil")
	}
	retries := 0
	switch client := client.(type) {
	case *redis.Client:
		retries = client.Options().MaxRetries
	case *redis.ClusterClient:
		retries = client.Options().MaxRetries
	}
	if retries > 0 {
		return nil, errors.New("licentia: the client sends operations again: set its MaxRetries to -1")
	}
	store := &Store{client: client, prefix: "licentia"}
	for _, option := range options {
		if err := option(store); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// Close closes the client.
func (s *Store) Close() error { return s.client.Close() }

func number(n uint64) string { return strconv.FormatUint(min(n, greatest), 10) }

// call returns the keys and the arguments of an operation's script.
func (s *Store) call(op *licentia.Op) (keys []string, values []any) {
	both := func(name string) {
		keys = append(keys, op.Account.Key(s.prefix, name), op.Account.FormerKey(s.prefix, name))
	}
	turn := func() {
		taker := op.Cell.Name() + "/" + hex.EncodeToString(op.Turn.Taker[:])
		keys = append(keys, op.Account.Key(s.prefix, taker))
		values = append(values, number(op.Turn.Sequence))
	}
	switch op.Kind {
	case licentia.Take:
		both(op.Cell.Name())
		values = []any{number(op.Need), number(op.Want), number(op.Limit), number(op.Cell.Forgotten)}
		if op.Turn.Sequence > 0 {
			turn()
		}
	case licentia.GiveBack:
		keys = []string{op.Account.Key(s.prefix, op.Cell.Name())}
		values = []any{number(op.Units), number(op.Cell.Forgotten)}
		if op.Turn.Sequence > 0 {
			turn()
		}
	case licentia.Resolve:
		turn()
		values = append(values, number(op.Cell.Forgotten))
	case licentia.ChargeJob:
		held := "0"
		if op.Held {
			held = "1"
		}
		values = []any{"job:" + op.Job, held}
		for _, part := range op.Parts {
			both(part.Cell.Name())
			values = append(values, number(part.Cost), number(part.Limit), number(part.Cell.Forgotten))
		}
	case licentia.FinishJob:
		values = []any{"job:" + op.Job, [...]string{"commit", "cancel", "refund"}[op.How]}
		for _, part := range op.Parts {
			both(part.Cell.Name())
			values = append(values, number(part.Attempt), number(part.Units))
		}
	case licentia.TakeRate:
		keys = []string{op.Account.Key(s.prefix, "rate/"+op.Rate), op.Account.FormerKey(s.prefix, "rate:"+op.Rate)}
		interval := new(big.Int).SetUint64(op.IntervalHigh)
		interval.Lsh(interval, 64).Or(interval, new(big.Int).SetUint64(op.IntervalLow))
		values = []any{interval.String(), number(op.Burst), number(op.Need), number(op.Want)}
	case licentia.TakeSeat:
		seats := op.Account.Key(s.prefix, "seats")
		keys = []string{seats, seats + "/clock", op.Account.FormerKey(s.prefix, "seats")}
		values = []any{op.Holder, number(op.TTL), number(op.Limit), number(longest), number(kept)}
	}
	return keys, values
}

// Do sends the operations in one pipeline.
func (s *Store) Do(ctx context.Context, ops []licentia.Op) []licentia.Answer {
	answers := make([]licentia.Answer, len(ops))
	all := make([]int, len(ops))
	for i := range ops {
		all[i] = i
	}
	unknown := s.send(ctx, ops, all, answers, false)
	if len(unknown) > 0 {
		// The server does not know these scripts yet, and has done nothing.
		s.send(ctx, ops, unknown, answers, true)
	}
	return answers
}

// send sends those operations, with the scripts' texts or without, and returns those whose script is not known.
func (s *Store) send(ctx context.Context, ops []licentia.Op, which []int, answers []licentia.Answer, whole bool) (unknown []int) {
	pipe := s.client.Pipeline()
	sent := make([]*redis.Cmd, len(which))
	for i, at := range which {
		op := &ops[at]
		if op.Kind == licentia.ReleaseSeat {
			pipe.HDel(ctx, op.Account.FormerKey(s.prefix, "seats"), op.Holder)
			sent[i] = pipe.Do(ctx, "ZREM", op.Account.Key(s.prefix, "seats"), op.Holder)
			continue
		}
		script, known := scripts[op.Kind]
		if !known {
			answers[at].Err = &licentia.StoreError{Fault: licentia.NotSent, Err: fmt.Errorf("operation %d is not known", op.Kind)}
			continue
		}
		keys, values := s.call(op)
		if whole {
			sent[i] = script.Eval(ctx, pipe, keys, values...)
		} else {
			sent[i] = script.EvalSha(ctx, pipe, keys, values...)
		}
	}
	_, failed := pipe.Exec(ctx)
	for i, at := range which {
		if sent[i] == nil {
			continue
		}
		value, err := sent[i].Result()
		switch {
		case err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") && !whole:
			unknown = append(unknown, at)
		case err != nil:
			answers[at].Err = classify(err)
		case value == nil && failed != nil:
			answers[at].Err = classify(failed)
		default:
			answers[at] = answer(&ops[at], value)
		}
	}
	return unknown
}

// refusals begin what a server says that answers, and refuses to write.
var refusals = []string{
	"READONLY", "OOM", "MISCONF", "NOREPLICAS", "NOPERM", "NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "CLUSTERDOWN",
	"TRYAGAIN", "UNKILLABLE", "BUSY",
}

// classify says what is known of an operation that failed.
func classify(err error) error {
	fault := licentia.InDoubt
	var said redis.Error
	var dialled *net.OpError
	switch {
	case errors.Is(err, redis.ErrClosed), errors.Is(err, redis.ErrPoolTimeout):
		fault = licentia.NotSent
	case errors.As(err, &said):
		fault = licentia.OneKey
		text := err.Error()
		for _, word := range refusals {
			if strings.HasPrefix(text, word+" ") || strings.Contains(text, "-"+word+" ") {
				fault = licentia.Refused
			}
		}
		if strings.Contains(text, "can't run this command") || strings.Contains(text, "No permissions") {
			fault = licentia.Refused
		}
	case errors.As(err, &dialled) && dialled.Op == "dial":
		fault = licentia.NotSent
	}
	return &licentia.StoreError{Fault: fault, Err: err}
}

// numbers reads a list of whole numbers; some are texts.
func numbers(value any, texts bool) ([]int64, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(list))
	for i, item := range list {
		switch item := item.(type) {
		case int64:
			out[i] = item
		case string:
			n, err := strconv.ParseUint(item, 10, 63)
			switch {
			case item == "-1":
				out[i] = -1
			case !texts:
				return nil, false
			case err != nil:
				// Times of more than 292 years are shown as that.
				out[i] = 1<<63 - 1
			default:
				out[i] = int64(n)
			}
		default:
			return nil, false
		}
	}
	return out, true
}

// answer is what the server's value says.
func answer(op *licentia.Op, value any) licentia.Answer {
	said, ok := numbers(value, op.Kind == licentia.TakeRate)
	at := func(i int) int64 {
		if i < len(said) {
			return said[i]
		}
		ok = false
		return 0
	}
	n := func(i int) uint64 { return uint64(max(0, at(i))) }
	var a licentia.Answer
	switch op.Kind {
	case licentia.Take:
		a = licentia.Answer{Kind: licentia.Taken, Units: n(0), Total: n(1)}
	case licentia.GiveBack, licentia.ReleaseSeat:
		_, ok = value.(int64)
		a = licentia.Answer{Kind: licentia.Done}
	case licentia.Resolve:
		a = licentia.Answer{Kind: licentia.Became, Outcome: uint8(n(0)), Units: n(1)}
	case licentia.ChargeJob:
		a = licentia.Answer{Kind: licentia.Charged, Outcome: uint8(n(0)), Place: uint8(n(1))}
		for i := 2; i+2 < len(said); i += 3 {
			a.Parts = append(a.Parts, licentia.PartAnswer{Total: n(i), Fresh: said[i+1] == 1, Attempt: said[i+2]})
		}
		ok = ok && len(a.Parts) == len(op.Parts)
	case licentia.FinishJob:
		a = licentia.Answer{Kind: licentia.Finished}
		for i := 0; i+2 < len(said); i += 3 {
			part := licentia.PartAnswer{Did: said[i] > 0, Total: n(i + 1), Refunded: n(i + 2)}
			if op.How == licentia.Refund {
				part.Units = n(i)
			}
			a.Parts = append(a.Parts, part)
		}
		ok = ok && len(a.Parts) == len(op.Parts)
	case licentia.TakeRate:
		a = licentia.Answer{Kind: licentia.RateGave, Units: n(0), Remaining: n(1), Reset: n(2), RetryAfter: at(3)}
	case licentia.TakeSeat:
		a = licentia.Answer{Kind: licentia.Seats, Granted: at(0) == 1, Occupied: n(1), NextFree: -1}
		if free := at(2); free >= 0 {
			// By the clock of who asks.
			a.NextFree = int64(op.Now) + free
		}
	}
	if !ok {
		return licentia.Answer{Err: &licentia.StoreError{Fault: licentia.InDoubt, Err: errors.New("the server's answer is none that was expected")}}
	}
	return a
}

func (s *Store) mark(name string) string { return s.prefix + ":mark:" + name }

// LoadMark returns the value that was saved under a name, or nil.
func (s *Store) LoadMark(ctx context.Context, name string) ([]byte, error) {
	value, err := s.client.Get(ctx, s.mark(name)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return value, err
}

// SaveMark saves a value under a name.
func (s *Store) SaveMark(ctx context.Context, name string, value []byte) error {
	return s.client.Set(ctx, s.mark(name), value, 0).Err()
}
