package licentia

import (
	"encoding/hex"
	"encoding/json"
	"time"
)

// Decision is a gate's answer to a request.
type Decision struct {
	// Allowed says whether the request may proceed.
	Allowed bool
	// State is what an allowed decision is in.
	State State
	// Licensed says whether the token's signature is good, so that what follows from it is true.
	Licensed bool
	// Code says why. Warning says what the licence's policy tolerated, and is [Allowed] if that is nothing.
	Code, Warning Code
	// HTTPStatus is the status of a response: 200, or that of the refusal.
	HTTPStatus int
	// RetryAfter is how long to wait until the same request may be allowed; 0 if waiting does not help.
	RetryAfter time.Duration
	// ProofNonce is to be handed out in `Licentia-Proof-Nonce`, if it is not empty.
	ProofNonce string
	// Issuer, Subject (the customer) and Tier are the licence's; empty unless Licensed.
	Issuer, Subject, Tier string
	// Lineage stays the same through renewals and upgrades. TokenID is this token's.
	Lineage, TokenID ID
	// Expires is when everything ends, grace included.
	Expires time.Time
	// Charges has what was asked of each rate and meter, and what is left.
	Charges []Charge

	token, explanation, problem string
	header                      []field
}

type field struct{ name, value string }

// ID is an identifier of 16 bytes.
type ID [16]byte

// String returns it as hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Unit is what a [Charge] counts.
type Unit uint8

// What a charge counts.
const (
	RateUnit  Unit = 0
	QuotaUnit Unit = 1
	SeatUnit  Unit = 2
)

// String returns the unit's name.
func (u Unit) String() string {
	return [...]string{"rate", "quota", "seat"}[min(u, SeatUnit)]
}

// Charge is what a request asked of a rate, a quota or the seats, and what is left.
type Charge struct {
	Unit Unit
	Name string
	// Cost is what the request costs. Charged is what this decision has added to the count.
	Cost, Charged uint64
	// Limit is a full burst, the units of a period, or the seats; Remaining is what is left.
	Limit, Remaining uint64
	// Window is the length of the window; 0 if it varies. Reset is how long until the whole limit is there again, and
	// RetryAfter until the same request may be granted; negative if never, or if it was granted.
	Window, Reset, RetryAfter time.Duration
}

// never stands for a duration that is absent.
const never = time.Duration(-1)

func duration(number uint64, unit time.Duration, absent time.Duration) time.Duration {
	if number == none {
		return absent
	}
	if most := uint64(1<<63-1) / uint64(unit); number > most {
		number = most
	}
	return time.Duration(number) * unit
}

func readDecision(r *reader, token string) *Decision {
	d := &Decision{token: token}
	bits := r.u32()
	d.Allowed = bits&decisionAllowed != 0
	d.Licensed = bits&decisionLicensed != 0
	d.Code, d.Warning = Code(r.u16()), Code(r.u16())
	d.HTTPStatus, d.State = int(r.u16()), State(r.u8())
	d.RetryAfter = duration(r.u64(), time.Millisecond, 0)
	d.ProofNonce = r.text()
	if d.Licensed {
		copy(d.Lineage[:], r.take(16))
		copy(d.TokenID[:], r.take(16))
		d.Expires = time.Unix(int64(r.u64()), 0)
		d.Issuer, d.Subject, d.Tier = r.text(), r.text(), r.text()
	}
	if count := int(r.u8()); count > 0 {
		d.Charges = make([]Charge, count)
		for i := range d.Charges {
			c := &d.Charges[i]
			c.Unit, c.Name = Unit(r.u8()), r.text()
			c.Cost, c.Charged, c.Limit = r.u64(), r.u64(), r.u64()
			c.Window = duration(r.u64(), time.Second, 0)
			c.Remaining = r.u64()
			c.Reset = duration(r.u64(), time.Millisecond, never)
			c.RetryAfter = duration(r.u64(), time.Millisecond, never)
			r.take(16) // the window that was counted in
		}
	}
	if bits&decisionExplained != 0 {
		d.explanation = r.text()
	}
	if bits&decisionHTTP != 0 {
		d.header = make([]field, r.u8())
		for i := range d.header {
			d.header[i] = field{r.text(), r.text()}
		}
		d.problem = r.text()
	}
	return d
}

func (d *Decision) charge(unit Unit, name string) *Charge {
	for i := range d.Charges {
		if c := &d.Charges[i]; c.Unit == unit && (unit == SeatUnit || c.Name == name) {
			return c
		}
	}
	return nil
}

// Rate returns the charge of a rate, or nil if there is none.
func (d *Decision) Rate(name string) *Charge { return d.charge(RateUnit, name) }

// Quota returns the charge of a meter, or nil if there is none.
func (d *Decision) Quota(meter string) *Charge { return d.charge(QuotaUnit, meter) }

// Seats returns the charge of the licence's seats, or nil if none was asked for.
func (d *Decision) Seats() *Charge { return d.charge(SeatUnit, "") }

// Err returns nil if the request is allowed, and else a [*DeniedError].
func (d *Decision) Err() error {
	if d.Allowed {
		return nil
	}
	return &DeniedError{d}
}

// License returns what the licence says, or nil unless its signature is good.
func (d *Decision) License() *License {
	if !d.Licensed {
		return nil
	}
	license, err := Inspect(d.token)
	if err != nil {
		return nil
	}
	return license
}

// Step is a check that ran.
type Step struct {
	// Check is its name, and Result the name of its code: "allowed" if it passed.
	Check, Result string
	Code          Code
	// Facts has its inputs, as JSON.
	Facts json.RawMessage
}

// Explanation returns all checks that ran, in order; the last one decided. It is nil for a plain yes, unless the request
// asked for it.
func (d *Decision) Explanation() []Step { return readSteps(d.explanation) }

func readSteps(text string) []Step {
	if text == "" {
		return nil
	}
	var raw []json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil {
		return nil
	}
	steps := make([]Step, len(raw))
	for i, step := range raw {
		// The members are those of every language; what is not named here is in the facts.
		_ = json.Unmarshal(step, &steps[i])
		steps[i].Facts = step
	}
	return steps
}

// DeniedError is a decision that denies, as an error.
type DeniedError struct{ Decision *Decision }

func (e *DeniedError) Error() string {
	return "licentia: " + e.Decision.Code.Message() + " (" + e.Decision.Code.String() + ")"
}
