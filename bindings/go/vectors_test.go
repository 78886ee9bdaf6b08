package licentia

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

// read reads a file of the vectors that all languages share.
func read(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../tests/vectors/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// all checks that a file had as many cases as it says, and at least one.
func all(t *testing.T, ran, expected int) {
	t.Helper()
	if ran == 0 || ran != expected {
		t.Fatalf("%d cases ran of %d", ran, expected)
	}
	t.Logf("%d cases", ran)
}

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	bytes, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func array(t testing.TB, digits *string) *[32]byte {
	if digits == nil {
		return nil
	}
	return (*[32]byte)(unhex(t, *digits))
}

// name is the name of the code that an error has.
func name(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return "allowed"
	}
	known, ok := err.(*Error)
	if !ok {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	return known.Code.Name()
}

type vectorProof struct {
	Proof, Method, URI string
	Body               *string
	MaxAge             uint64
}

func (p *vectorProof) proof(t testing.TB) *Proof {
	if p == nil {
		return nil
	}
	return &Proof{Value: p.Proof, Method: p.Method, URI: p.URI, Body: array(t, p.Body)}
}

func TestLicenseVectors(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Keys   []string
			Expect struct {
				Issuer, Audience, Node *string
				Skew                   int64
				Features               []string
				Release                *int64
			}
			Tests []struct {
				TcID                             int
				Comment, Token, TokenHex, Result string
				Code                             *string
				Now                              int64
				Number                           Code
				State                            string
				Claims                           json.RawMessage
				Proof                            *vectorProof
			}
		}
	}
	read(t, "license", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			token := test.Token
			if token == "" {
				token = EncodeLicense(unhex(t, test.TokenHex))
			}
			request := Request{Features: group.Expect.Features, Node: array(t, group.Expect.Node), Proof: test.Proof.proof(t)}
			expect := Verification{Skew: time.Duration(group.Expect.Skew) * time.Second, Now: time.Unix(test.Now, 0)}
			if expect.Skew == 0 {
				expect.Skew = -1
			}
			if test.Proof != nil {
				expect.ProofAge = time.Duration(test.Proof.MaxAge) * time.Second
			}
			if group.Expect.Issuer != nil {
				expect.Issuer = *group.Expect.Issuer
			}
			if group.Expect.Audience != nil {
				request.Audience = *group.Expect.Audience
			}
			if group.Expect.Release != nil {
				request.Release = time.Unix(*group.Expect.Release, 0)
			}
			verdict, err := Verify(token, group.Keys, request, expect)
			if err != nil {
				t.Fatalf("license %d (%s): %v", test.TcID, test.Comment, err)
			}
			if verdict.Allowed != (test.Result == "valid") {
				t.Fatalf("license %d (%s): %v, %v", test.TcID, test.Comment, verdict.Code, verdict.State)
			}
			switch {
			case verdict.Allowed:
				if verdict.State.String() != test.State {
					t.Fatalf("license %d (%s): %v", test.TcID, test.Comment, verdict.State)
				}
				sameJSON(t, test.TcID, verdict.License.JSON(), string(test.Claims))
				inspected, err := Inspect(token)
				if err != nil {
					t.Fatal(err)
				}
				sameJSON(t, test.TcID, inspected.JSON(), string(test.Claims))
			case test.Code == nil:
				if verdict.Code < 100 || verdict.Code >= 300 {
					t.Fatalf("license %d (%s): %v", test.TcID, test.Comment, verdict.Code)
				}
			default:
				if verdict.Code.Name() != *test.Code || verdict.Code != test.Number {
					t.Fatalf("license %d (%s): %v, not %s", test.TcID, test.Comment, verdict.Code, *test.Code)
				}
			}
			if steps := verdict.Explanation; !verdict.Allowed && steps[len(steps)-1].Result != verdict.Code.Name() {
				t.Fatalf("license %d (%s): %+v", test.TcID, test.Comment, steps)
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

func sameJSON(t *testing.T, id int, found, expected string) {
	t.Helper()
	var a, b any
	if json.Unmarshal([]byte(found), &a) != nil || json.Unmarshal([]byte(expected), &b) != nil || !reflect.DeepEqual(a, b) {
		t.Fatalf("%d: %s\nis not\n%s", id, found, expected)
	}
}

func TestTextVectors(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID       int
				Text, Code string
				Hex        string
			}
		}
	}
	read(t, "text", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			bytes, err := DecodeLicense(test.Text)
			if name(t, err) != test.Code || hex.EncodeToString(bytes) != test.Hex {
				t.Fatalf("text %d: %v, %x", test.TcID, err, bytes)
			}
			if err == nil && EncodeLicense(bytes) != test.Text {
				t.Fatalf("text %d: %s", test.TcID, EncodeLicense(bytes))
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

func TestKeyVectors(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID                      int
				Key, Code, Kid, PublicKey string
			}
		}
	}
	read(t, "key", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			key, err := ReadKey(test.Key)
			if name(t, err) != test.Code {
				t.Fatalf("key %d: %v", test.TcID, err)
			}
			if err == nil && (!bytes.Equal(key.KeyID, unhex(t, test.Kid)) || !bytes.Equal(key.PublicKey[:], unhex(t, test.PublicKey))) {
				t.Fatalf("key %d: %x", test.TcID, key)
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

func TestPeriodVectors(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Period json.RawMessage
			Tests  []struct {
				TcID        int
				Time, Start int64
				End         *int64
			}
		}
	}
	read(t, "period", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			start, end, err := PeriodWindow(group.Period, time.Unix(test.Time, 0))
			if err != nil || start.Unix() != test.Start || end.IsZero() != (test.End == nil) ||
				(test.End != nil && end.Unix() != *test.End) {
				t.Fatalf("period %d: %v to %v, %v", test.TcID, start, end, err)
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

func TestCodeVectors(t *testing.T) {
	var file struct {
		NumberOfCodes int
		Codes         []codeEntry
	}
	read(t, "codes", &file)
	for at, entry := range file.Codes {
		if codeTable()[entry.Number] != entry || Codes()[at] != entry.Number {
			t.Fatalf("%+v", entry)
		}
	}
	all(t, len(Codes()), file.NumberOfCodes)
}

func TestNonceVectors(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Keys          []string
			Token, Secret string
			Required      bool
			Tests         []struct {
				TcID          int
				Comment, Code string
				Now           uint64
				Nonce         string
				Proof         vectorProof
			}
		}
	}
	read(t, "nonce", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			options := []Option{
				WithNonceSecret([32]byte(unhex(t, group.Secret))), WithShards(1), WithProofAge(time.Duration(test.Proof.MaxAge) * time.Second),
				WithClock(func() Now { return Now{Seconds: test.Now} }),
			}
			if group.Required {
				options = append(options, WithRequiredProofNonce())
			}
			gate, err := NewGate(group.Keys, options...)
			if err != nil {
				t.Fatal(err)
			}
			decision, err := gate.Check(context.Background(), group.Token, Request{Proof: test.Proof.proof(t)})
			if err != nil || decision.Code.Name() != test.Code {
				t.Fatalf("nonce %d (%s): %v, %v", test.TcID, test.Comment, decision, err)
			}
			if decision.ProofNonce != "" && decision.ProofNonce != test.Nonce {
				t.Fatalf("nonce %d (%s): %s", test.TcID, test.Comment, decision.ProofNonce)
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

// pair is a name and a number in an array.
type pair Cost

func (p *pair) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[2]any{&p.Name, &p.Units})
}

func costs(pairs []pair) (costs []Cost) {
	for _, pair := range pairs {
		costs = append(costs, Cost(pair))
	}
	return costs
}

type gateFile struct {
	NumberOfTests int
	TestGroups    []struct {
		Tests []struct {
			TcID    int
			Comment string
			Keys    []string
			Root    *string
			Steps   []struct {
				Do, Keyset, Bundle, Token, Code string
				Now, MonotonicMs                uint64
				Rates, Meters                   []pair
				State, Warning                  *string
			}
		}
	}
}

// runGateVectors runs the vectors with a new store for each case, or none.
func runGateVectors(t *testing.T, store func() Store) {
	var file gateFile
	read(t, "gate", &file)
	ran := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			ran++
			var now atomic.Pointer[Now]
			now.Store(&Now{})
			var gate *Gate
			var loaded []byte
			kept := store()
			build := func(keyset []byte) error {
				options := []Option{WithClock(func() Now { return *now.Load() }), WithStore(kept), WithShards(1)}
				if keyset != nil {
					options = append(options, WithKeyset(*test.Root, keyset))
				}
				made, err := NewGate(test.Keys, options...)
				if err == nil {
					gate = made
				}
				return err
			}
			if test.Root == nil {
				if err := build(nil); err != nil {
					t.Fatal(err)
				}
			}
			for at, step := range test.Steps {
				fail := func(found ...any) {
					t.Helper()
					t.Fatalf("gate %d (%s), step %d: %v, not %s", test.TcID, test.Comment, at, found, step.Code)
				}
				switch step.Do {
				case "load":
					keyset := unhex(t, step.Keyset)
					var err error
					if gate == nil {
						err = build(keyset)
					} else {
						_, err = gate.LoadKeyset(keyset)
					}
					if name(t, err) != step.Code {
						fail(err)
					}
					if err == nil {
						loaded = keyset
					}
				case "publish":
					if _, err := gate.LoadRevocation(unhex(t, step.Bundle)); name(t, err) != step.Code {
						fail(err)
					}
				case "restart":
					if err := gate.Close(); err != nil {
						t.Fatal(err)
					}
					if err := build(loaded); err != nil {
						t.Fatal(err)
					}
				case "check":
					now.Store(&Now{step.Now, step.MonotonicMs * 1e6})
					request := Request{Rates: costs(step.Rates), Meters: costs(step.Meters)}
					decision, err := gate.Check(context.Background(), step.Token, request)
					if err != nil || decision.Code.Name() != step.Code {
						fail(decision, err)
					}
					if step.State != nil && decision.State.String() != *step.State {
						fail(decision.State)
					}
					if (step.Warning == nil) != (decision.Warning == Allowed) ||
						(step.Warning != nil && *step.Warning != decision.Warning.Name()) {
						fail(decision.Warning)
					}
				default:
					fail("an unknown step")
				}
			}
			if gate != nil {
				gate.Close()
			}
		}
	}
	all(t, ran, file.NumberOfTests)
}

func TestGateVectors(t *testing.T) {
	runGateVectors(t, func() Store {
		memory, err := NewMemory()
		if err != nil {
			t.Fatal(err)
		}
		return memory
	})
}
