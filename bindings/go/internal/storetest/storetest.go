// Package storetest runs the vectors that every store must agree with.
package storetest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	licentia "github.com/licentia/licentia/bindings/go"
)

// The example licence of the project: 100,000 calls a month, for api.acme.example.
const (
	Key      = "licpub1_pQEBAkRbwCm1AzIgBiFYIJr-YmPltakhjHeDKZMWOG4nyQ64_7gbR0eTViE7VgV8"
	Token    = "lic1_0oRYMKMBMgREW8AptRB4JGFwcGxpY2F0aW9uL3ZuZC5saWNlbnRpYS5saWNlbnNlK2N3dKBYd6cBZGFjbWUCa2N1c3RvbWVyLTQyA3BhcGkuYWNtZS5leGFtcGxlBBr0hlcABhpq_YbAB1BleGFtcGxlIGxpY2VuY2UhOgABAAClAAEBgmNwcm8DAqFmZXhwb3J09QOhZWNhbGxzghoAAYagBQShY2FwaYIKGQPoWEAjfi5eRNIESyVdm8irm_VG0mBftWJ5NpwLFWTT80yRXwWsFEBwqd-kIIGCdLJgQQx86-hi5v31dt6JrUsJnboJ"
	Audience = "api.acme.example"
	Meter    = "calls"
	Limit    = 100_000
)

// Clock shows a time at which the licence is good.
func Clock() licentia.Now {
	return licentia.Now{Seconds: start, Monotonic: uint64(time.Since(begun))}
}

var begun = time.Now()

type turn struct {
	Taker    string
	Sequence uint64
}

type meter struct {
	Count                       string
	Cost, Limit, Attempt, Units uint64
}

type step struct {
	Do, Count, Job string
	By             *turn
	Need, Want     uint64
	Limit, Units   uint64
	Hold           bool
	Meters         []meter
	Expect         json.RawMessage
}

const (
	start = 1_800_000_000
	day   = 86_400
)

func cell(name string) licentia.Cell {
	return licentia.Cell{Meter: name, Start: start, End: start + day, Forgotten: start + 9*day}
}

// Run runs the vectors of these kinds (`quota`, `taker`, `job`) in a store, from a file; it returns how many steps ran.
func Run(t *testing.T, file string, store licentia.Store, kinds ...string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		TestGroups []struct {
			Kind  string
			Tests []struct {
				TcID    uint64
				Comment string
				Steps   []json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, group := range vectors.TestGroups {
		if !slices.Contains(kinds, group.Kind) {
			continue
		}
		for _, test := range group.Tests {
			// Each test starts with an empty store: a lineage of its own has none of the others' cells.
			account := licentia.Account{Issuer: [8]byte{1}}
			binary.BigEndian.PutUint64(account.Lineage[:], test.TcID)
			for at, raw := range test.Steps {
				var step step
				if err := json.Unmarshal(raw, &step); err != nil {
					t.Fatal(err)
				}
				var expected any
				_ = json.Unmarshal(step.Expect, &expected)
				said, _ := json.Marshal(run(t, store, account, &step, expected))
				var found any
				_ = json.Unmarshal(said, &found)
				if !reflect.DeepEqual(found, expected) {
					t.Fatalf("%d (%s), step %d: %s\nsaid %s", test.TcID, test.Comment, at, raw, said)
				}
				ran++
			}
		}
	}
	return ran
}

func run(t *testing.T, store licentia.Store, account licentia.Account, step *step, expected any) any {
	t.Helper()
	do := func(op licentia.Op) licentia.Answer {
		op.Account = account
		answer := store.Do(context.Background(), []licentia.Op{op})[0]
		if answer.Err != nil {
			t.Fatal(answer.Err)
		}
		return answer
	}
	total := func() uint64 { return do(licentia.Op{Kind: licentia.Take, Cell: cell(step.Count)}).Total }
	var by licentia.Turn
	said := map[string]any{}
	if step.By != nil {
		copy(by.Taker[:], step.By.Taker)
		by.Sequence = step.By.Sequence
		// What it found is seen by what it did.
		said["turn"] = expected.(map[string]any)["turn"]
	}
	parts := make([]licentia.Part, len(step.Meters))
	for i, meter := range step.Meters {
		parts[i] = licentia.Part{
			Cell: cell(meter.Count), Cost: meter.Cost, Limit: meter.Limit, Attempt: meter.Attempt, Units: meter.Units,
		}
	}
	switch step.Do {
	case "take":
		answer := do(licentia.Op{Kind: licentia.Take, Cell: cell(step.Count), Turn: by, Need: step.Need, Want: step.Want, Limit: step.Limit})
		said["units"], said["total"] = answer.Units, answer.Total
	case "giveBack":
		before := total()
		do(licentia.Op{Kind: licentia.GiveBack, Cell: cell(step.Count), Turn: by, Units: step.Units})
		said["units"], said["total"] = before-total(), total()
	case "resolve":
		answer := do(licentia.Op{Kind: licentia.Resolve, Cell: cell(step.Count), Turn: by})
		said["turn"] = [...]string{"new", "again", "late"}[answer.Outcome]
		said["units"], said["total"] = answer.Units, total()
	case "charge":
		answer := do(licentia.Op{Kind: licentia.ChargeJob, Job: step.Job, Held: step.Hold, Parts: parts})
		said["outcome"] = [...]string{"refused", "charged", "before", "costDiffers"}[answer.Outcome]
		if answer.Outcome == 0 || answer.Outcome == 3 {
			said["place"] = answer.Place
		}
		meters := []any{}
		for _, part := range answer.Parts {
			meter := map[string]any{"total": part.Total, "fresh": part.Fresh}
			if part.Attempt >= 0 {
				meter["attempt"] = part.Attempt
			}
			meters = append(meters, meter)
		}
		said["meters"] = meters
	case "commit", "cancel", "refund":
		how := map[string]licentia.Finish{"commit": licentia.Commit, "cancel": licentia.Cancel, "refund": licentia.Refund}[step.Do]
		answer := do(licentia.Op{Kind: licentia.FinishJob, Job: step.Job, How: how, Parts: parts})
		done := []any{}
		for _, part := range answer.Parts {
			done = append(done, map[string]any{"done": part.Did, "total": part.Total, "refunded": part.Refunded})
		}
		return done
	default:
		t.Fatalf("an unknown step: %s", step.Do)
	}
	return said
}
