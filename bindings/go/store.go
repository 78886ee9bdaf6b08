package licentia

import (
	"context"
	"encoding/hex"
	"strconv"
)

// Store counts quotas, jobs, shared rates and seats for all gates that have the same one. The packages redis and sqlite
// have stores; [NewMemory] makes one for one process.
//
// A store holds no rule: each operation is one atomic step, and what it does is the algebra that every language shares,
// pinned by the project's tests/vectors/store.json.
type Store interface {
	// Do runs operations, in one round trip or transaction if it can, and answers each in its place. One that fails
	// does not keep the others from being done; its answer has Err set. It returns when ctx is done at the latest.
	Do(ctx context.Context, ops []Op) []Answer
}

// MarkStore is a store that also remembers what a gate must know after a restart, such as the newest keyset.
type MarkStore interface {
	Store
	// LoadMark returns the value that was saved under a name, or nil.
	LoadMark(ctx context.Context, name string) ([]byte, error)
	// SaveMark saves a value under a name.
	SaveMark(ctx context.Context, name string, value []byte) error
}

// OpKind is what an operation does.
type OpKind uint8

// Kinds of operations.
const (
	Take        OpKind = 1 // takes Want units of a cell, and none if fewer than Need are left of Limit
	GiveBack    OpKind = 2 // gives Units back
	Resolve     OpKind = 3 // says what became of a turn, and closes it
	ChargeJob   OpKind = 4 // charges a job on all parts, or none
	FinishJob   OpKind = 5 // commits, cancels or refunds a job
	TakeRate    OpKind = 6 // takes a slice of a rate
	TakeSeat    OpKind = 7 // takes a seat, or keeps it
	ReleaseSeat OpKind = 8 // gives a seat back
)

// Finish says how a job ends.
type Finish uint8

// How a job ends.
const (
	Commit Finish = 0
	Cancel Finish = 1
	Refund Finish = 2
)

// Account is who is counted: an issuer's lineage.
type Account struct {
	// Issuer is the first 8 bytes of SHA-256 of the issuer's name.
	Issuer  [8]byte
	Lineage ID
}

// Cell is the quota of one meter in one period.
type Cell struct {
	Meter string
	// Start and End of the period, in seconds since 1970. Lifetime says that it never ends.
	Start, End uint64
	Lifetime   bool
	// Forgotten is when the cell may be forgotten, in seconds since 1970; 0 is never.
	Forgotten uint64
}

// Name is the cell's part of a key: the same in every language.
func (c Cell) Name() string {
	end := "life"
	if !c.Lifetime {
		end = strconv.FormatUint(c.End, 10)
	}
	return c.Meter + ":" + strconv.FormatUint(c.Start, 10) + ":" + end
}

// Turn is the number of a taker's operation on a cell, which is done once, however often it is asked. The zero value is
// none.
type Turn struct {
	Taker    [16]byte
	Sequence uint64
}

// Part is one cell of a job.
type Part struct {
	Cell Cell
	// Cost and Limit are of a charge; Attempt and Units of its end.
	Cost, Limit, Attempt, Units uint64
}

// Op is an operation of a store. Its kind says which fields it has.
type Op struct {
	Kind    OpKind
	Account Account
	// Of Take, GiveBack and Resolve.
	Cell              Cell
	Turn              Turn
	Need, Want, Limit uint64
	Units             uint64
	// Of jobs.
	Job   string
	Held  bool
	How   Finish
	Parts []Part
	// Of TakeRate, with Need and Want: the nanoseconds between requests, as a number of 128 bits.
	Rate                      string
	IntervalHigh, IntervalLow uint64
	Burst                     uint64
	// Of seats, with Limit: seconds.
	Holder   string
	TTL, Now uint64
}

// Fault says what is known of an operation that failed.
type Fault uint8

// What is known of an operation that failed.
const (
	NotSent Fault = 0 // nothing was done
	OneKey  Fault = 1 // the store refused this key alone, and nothing was done
	Refused Fault = 2 // the store answers, and refuses to write
	InDoubt Fault = 3 // nobody knows whether it was done
)

// StoreError is an operation that a store did not do.
type StoreError struct {
	Fault Fault
	Err   error
}

func (e *StoreError) Error() string {
	what := [...]string{
		"the store cannot be reached", "the store refused this key", "the store refuses to write",
		"the store did not answer in time",
	}[min(e.Fault, InDoubt)]
	return "licentia: " + what + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *StoreError) Unwrap() error { return e.Err }

// AnswerKind is what an answer says.
type AnswerKind uint8

// Kinds of answers: one for each operation, but GiveBack and ReleaseSeat, which are Done.
const (
	Taken    AnswerKind = 1
	Done     AnswerKind = 2
	Became   AnswerKind = 3
	Charged  AnswerKind = 4
	Finished AnswerKind = 5
	RateGave AnswerKind = 6
	Seats    AnswerKind = 7
)

// PartAnswer is what became of a part of a job.
type PartAnswer struct {
	// Total is what all have taken, and Refunded what was refunded in all.
	Total, Refunded uint64
	// Fresh says that this call has charged it, and Did that it ended it. Units is what it has refunded.
	Fresh, Did bool
	Units      uint64
	// Attempt is the one that is charged; negative if nothing is.
	Attempt int64
}

// Answer is what a store says to an operation.
type Answer struct {
	Kind AnswerKind
	// Err is set if it failed. A [*StoreError] says more; anything else counts as in doubt.
	Err error
	// Units and Total are of Taken; Units of Became and RateGave.
	Units, Total uint64
	// Outcome is of Became: 0 not done, 1 done, 2 too late; of Charged: 0 refused, 1 charged, 2 before, 3 another cost.
	Outcome uint8
	// Place is the part that refused.
	Place uint8
	Parts []PartAnswer
	// Remaining, Reset and RetryAfter (nanoseconds; negative if none) are of RateGave.
	Remaining, Reset uint64
	RetryAfter       int64
	// Granted, Taken and NextFree (seconds since 1970; negative if none) are of Seats.
	Granted  bool
	Occupied uint64
	NextFree int64
}

// Key returns the key of something that an account counts: the same in every language.
func (a Account) Key(prefix, name string) string {
	return prefix + ":" + hex.EncodeToString(a.Issuer[:]) + ":{" + a.Lineage.String() + "}:" + name
}

// FormerKey returns the key of the time before keys named the issuer, from which a count starts.
func (a Account) FormerKey(prefix, name string) string {
	return prefix + ":{" + a.Lineage.String() + "}:" + name
}

func readCell(r *reader) Cell {
	cell := Cell{Meter: r.text(), Start: r.u64(), End: r.u64()}
	cell.Lifetime = cell.End == none
	if cell.Lifetime {
		cell.End = 0
	}
	if cell.Forgotten = r.u64(); cell.Forgotten == none {
		cell.Forgotten = 0
	}
	return cell
}

func writeCell(w *writer, cell Cell) {
	w.text(cell.Meter)
	w.u64(cell.Start)
	if cell.Lifetime {
		w.u64(none)
	} else {
		w.u64(cell.End)
	}
	if cell.Forgotten == 0 {
		w.u64(none)
	} else {
		w.u64(cell.Forgotten)
	}
}

func readTurn(r *reader) (turn Turn) {
	copy(turn.Taker[:], r.take(16))
	turn.Sequence = r.u64()
	return turn
}

func writeTurn(w *writer, turn Turn) {
	w.raw(turn.Taker[:])
	w.u64(turn.Sequence)
}

func readOp(r *reader) Op {
	op := Op{Kind: OpKind(r.u8())}
	copy(op.Account.Issuer[:], r.take(8))
	copy(op.Account.Lineage[:], r.take(16))
	switch op.Kind {
	case Take:
		op.Cell, op.Turn = readCell(r), readTurn(r)
		op.Need, op.Want, op.Limit = r.u64(), r.u64(), r.u64()
	case GiveBack:
		op.Cell, op.Turn, op.Units = readCell(r), readTurn(r), r.u64()
	case Resolve:
		op.Cell, op.Turn = readCell(r), readTurn(r)
	case ChargeJob:
		op.Job, op.Held = r.text(), r.u8() == 1
		op.Parts = make([]Part, r.u8())
		for i := range op.Parts {
			op.Parts[i] = Part{Cell: readCell(r), Cost: r.u64(), Limit: r.u64()}
		}
	case FinishJob:
		op.Job, op.How = r.text(), Finish(r.u8())
		op.Parts = make([]Part, r.u8())
		for i := range op.Parts {
			op.Parts[i] = Part{Cell: readCell(r), Attempt: r.u64(), Units: r.u64()}
		}
	case TakeRate:
		op.Rate = r.text()
		op.IntervalLow, op.IntervalHigh = r.u64(), r.u64()
		op.Burst, op.Need, op.Want = r.u64(), r.u64(), r.u64()
	case TakeSeat:
		op.Holder, op.TTL, op.Limit, op.Now = r.text(), r.u64(), r.u64(), r.u64()
	case ReleaseSeat:
		op.Holder = r.text()
	}
	return op
}

func writeOp(w *writer, op *Op) {
	w.u8(uint8(op.Kind))
	w.raw(op.Account.Issuer[:])
	w.raw(op.Account.Lineage[:])
	switch op.Kind {
	case Take:
		writeCell(w, op.Cell)
		writeTurn(w, op.Turn)
		w.u64(op.Need)
		w.u64(op.Want)
		w.u64(op.Limit)
	case GiveBack:
		writeCell(w, op.Cell)
		writeTurn(w, op.Turn)
		w.u64(op.Units)
	case Resolve:
		writeCell(w, op.Cell)
		writeTurn(w, op.Turn)
	case ChargeJob, FinishJob:
		w.text(op.Job)
		if op.Kind == ChargeJob {
			w.flag(op.Held)
		} else {
			w.u8(uint8(op.How))
		}
		w.u8(uint8(len(op.Parts)))
		for _, part := range op.Parts {
			writeCell(w, part.Cell)
			if op.Kind == ChargeJob {
				w.u64(part.Cost)
				w.u64(part.Limit)
			} else {
				w.u64(part.Attempt)
				w.u64(part.Units)
			}
		}
	case TakeRate:
		w.text(op.Rate)
		for _, number := range [...]uint64{op.IntervalLow, op.IntervalHigh, op.Burst, op.Need, op.Want} {
			w.u64(number)
		}
	case TakeSeat:
		w.text(op.Holder)
		w.u64(op.TTL)
		w.u64(op.Limit)
		w.u64(op.Now)
	case ReleaseSeat:
		w.text(op.Holder)
	}
}

// signed is a number that may be absent, which is negative in Go and none in a record.
func signed(number uint64) int64 {
	if number == none {
		return -1
	}
	return int64(min(number, 1<<63-1))
}

func unsigned(number int64) uint64 {
	if number < 0 {
		return none
	}
	return uint64(number)
}

func readAnswer(r *reader) Answer {
	a := Answer{Kind: AnswerKind(r.u8())}
	switch a.Kind {
	case 0:
		a.Err = &StoreError{Fault: Fault(r.u8()), Err: wrongStore(r.text())}
	case Taken:
		a.Units, a.Total = r.u64(), r.u64()
	case Became:
		a.Outcome, a.Units = r.u8(), r.u64()
	case Charged:
		a.Outcome, a.Place = r.u8(), r.u8()
		a.Parts = make([]PartAnswer, r.u8())
		for i := range a.Parts {
			a.Parts[i] = PartAnswer{Total: r.u64(), Fresh: r.u8() == 1, Attempt: signed(r.u64())}
		}
	case Finished:
		a.Parts = make([]PartAnswer, r.u8())
		for i := range a.Parts {
			a.Parts[i] = PartAnswer{Did: r.u8() == 1, Total: r.u64(), Refunded: r.u64(), Units: r.u64()}
		}
	case RateGave:
		a.Units, a.Remaining, a.Reset, a.RetryAfter = r.u64(), r.u64(), r.u64(), signed(r.u64())
	case Seats:
		a.Granted, a.Occupied, a.NextFree = r.u8() == 1, r.u64(), signed(r.u64())
	}
	return a
}

// wrongStore is the text of a store's error.
type wrongStore string

func (e wrongStore) Error() string { return string(e) }

func writeAnswer(w *writer, a *Answer) {
	if a.Err != nil {
		fault := InDoubt
		if known, ok := a.Err.(*StoreError); ok {
			fault = known.Fault
		}
		text := a.Err.Error()
		w.u8(0)
		w.u8(uint8(fault))
		w.text(text[:min(len(text), 512)])
		return
	}
	w.u8(uint8(a.Kind))
	switch a.Kind {
	case Taken:
		w.u64(a.Units)
		w.u64(a.Total)
	case Became:
		w.u8(a.Outcome)
		w.u64(a.Units)
	case Charged:
		w.u8(a.Outcome)
		w.u8(a.Place)
		w.u8(uint8(len(a.Parts)))
		for _, part := range a.Parts {
			w.u64(part.Total)
			w.flag(part.Fresh)
			w.u64(unsigned(part.Attempt))
		}
	case Finished:
		w.u8(uint8(len(a.Parts)))
		for _, part := range a.Parts {
			w.flag(part.Did)
			w.u64(part.Total)
			w.u64(part.Refunded)
			w.u64(part.Units)
		}
	case RateGave:
		w.u64(a.Units)
		w.u64(a.Remaining)
		w.u64(a.Reset)
		w.u64(unsigned(a.RetryAfter))
	case Seats:
		w.flag(a.Granted)
		w.u64(a.Occupied)
		w.u64(unsigned(a.NextFree))
	}
}
