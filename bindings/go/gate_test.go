package licentia_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

var ctx = context.Background()

func calls(units uint64) licentia.Request {
	return licentia.Request{Meters: []licentia.Cost{{Name: storetest.Meter, Units: units}}}
}

func newGate(t testing.TB, options ...licentia.Option) *licentia.Gate {
	t.Helper()
	options = append([]licentia.Option{licentia.WithClock(storetest.Clock), licentia.WithAudience(storetest.Audience)}, options...)
	gate, err := licentia.NewGate([]string{storetest.Key}, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gate.Close() })
	return gate
}

func check(t testing.TB, gate *licentia.Gate, request licentia.Request) *licentia.Decision {
	t.Helper()
	decision, err := gate.Check(ctx, storetest.Token, request)
	if err != nil {
		t.Fatal(err)
	}
	return decision
}

// gates are one that counts in its own memory, and one that asks a store.
func gates(t *testing.T) map[string]*licentia.Gate {
	memory, err := licentia.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*licentia.Gate{"alone": newGate(t), "store": newGate(t, licentia.WithStore(memory))}
}

func left(t testing.TB, gate *licentia.Gate) uint64 {
	t.Helper()
	return check(t, gate, calls(0)).Quota(storetest.Meter).Remaining
}

func TestADecisionSaysWhatTheLicenceSays(t *testing.T) {
	for name, gate := range gates(t) {
		d := check(t, gate, calls(3))
		if !d.Allowed || d.Code != licentia.Allowed || d.HTTPStatus != 200 || d.Subject != "customer-42" || d.Issuer != "acme" ||
			d.Tier != "pro" || d.Err() != nil || d.Explanation() != nil {
			t.Fatalf("%s: %+v", name, d)
		}
		if charge := d.Quota(storetest.Meter); charge.Charged != 3 || charge.Limit != storetest.Limit || charge.Remaining != storetest.Limit-3 {
			t.Fatalf("%s: %+v", name, charge)
		}
		if license := d.License(); license.Subject != d.Subject || license.Quotas["calls"].Limit != storetest.Limit {
			t.Fatalf("%s: %+v", name, license)
		}
		denied := check(t, gate, licentia.Request{Features: []string{"teleport"}})
		if denied.Allowed || denied.Code != licentia.FeatureNotLicensed || denied.HTTPStatus != 403 || len(denied.Explanation()) == 0 {
			t.Fatalf("%s: %+v", name, denied)
		}
		var asError *licentia.DeniedError
		if !errors.As(denied.Err(), &asError) || asError.Decision != denied {
			t.Fatalf("%s: %v", name, denied.Err())
		}
		if steps := check(t, gate, licentia.Request{Explain: true}).Explanation(); len(steps) == 0 || steps[0].Result != "allowed" {
			t.Fatalf("%s: %+v", name, steps)
		}
	}
}

func TestWhatIsDeniedCostsNothing(t *testing.T) {
	for name, gate := range gates(t) {
		request := calls(5)
		request.Meters = append(request.Meters, licentia.Cost{Name: "none", Units: 1})
		if d := check(t, gate, request); d.Code != licentia.MeterNotLicensed {
			t.Fatalf("%s: %v", name, d.Code)
		}
		if left := left(t, gate); left != storetest.Limit {
			t.Fatalf("%s: %d", name, left)
		}
	}
}

func TestAJobIsChargedOnce(t *testing.T) {
	for name, gate := range gates(t) {
		request := calls(7)
		request.Job = "export-1"
		for range 3 {
			if d := check(t, gate, request); !d.Allowed {
				t.Fatalf("%s: %v", name, d.Code)
			}
		}
		if left := left(t, gate); left != storetest.Limit-7 {
			t.Fatalf("%s: %d", name, left)
		}
		request.Meters[0].Units = 8
		if d := check(t, gate, request); d.Code != licentia.JobCostDiffers {
			t.Fatalf("%s: %v", name, d.Code)
		}
	}
}

func TestAReservationChargesWhatTheWorkCost(t *testing.T) {
	for name, gate := range gates(t) {
		for _, job := range []string{"", "job"} {
			before := left(t, gate)
			request := calls(100)
			request.Job = job
			d, reservation, err := gate.Reserve(ctx, storetest.Token, request)
			if err != nil || reservation == nil {
				t.Fatalf("%s: %v, %v", name, d, err)
			}
			if err := reservation.Commit(ctx, licentia.Cost{Name: storetest.Meter, Units: 30}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			reservation.Cancel(ctx) // does nothing any more
			if err := reservation.Commit(ctx); err == nil {
				t.Fatalf("%s: it was committed twice", name)
			}
			if left := left(t, gate); left != before-30 {
				t.Fatalf("%s %q: %d of %d", name, job, left, before)
			}
			request.Job = job + "cancelled"
			_, reservation, err = gate.Reserve(ctx, storetest.Token, request)
			if err != nil || reservation == nil {
				t.Fatalf("%s: %v", name, err)
			}
			reservation.Cancel(ctx)
			if left := left(t, gate); left != before-30 {
				t.Fatalf("%s %q: %d of %d after a cancel", name, job, left, before)
			}
		}
	}
}

func TestAQuotaIsUsedExactlyByAllGoroutines(t *testing.T) {
	for name, gate := range gates(t) {
		var group sync.WaitGroup
		var mu sync.Mutex
		var granted uint64
		for range 10 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range 12 {
					d, err := gate.Check(ctx, storetest.Token, calls(1000))
					if err != nil {
						t.Error(err)
					} else if d.Allowed {
						mu.Lock()
						granted += 1000
						mu.Unlock()
					} else if d.Code != licentia.QuotaExceeded {
						t.Error(d.Code)
					}
				}
			}()
		}
		group.Wait()
		if granted != storetest.Limit {
			t.Fatalf("%s: %d", name, granted)
		}
	}
}

// brokenStore fails, answers nothing, or never returns.
type brokenStore struct{ how string }

func (b brokenStore) Do(ctx context.Context, ops []licentia.Op) []licentia.Answer {
	switch b.how {
	case "hangs":
		<-ctx.Done()
		<-time.After(time.Hour)
	case "panics":
		panic("a store's fault")
	case "fails":
		answers := make([]licentia.Answer, len(ops))
		for i := range answers {
			answers[i].Err = errors.New("no route to the store")
		}
		return answers
	case "lies":
		return []licentia.Answer{{Kind: licentia.Seats}}
	}
	return nil
}

func TestAStoreThatIsOutLeavesThePolicyToDecide(t *testing.T) {
	for _, how := range []string{"hangs", "panics", "fails", "lies", "answers nothing"} {
		gate := newGate(t, licentia.WithStore(brokenStore{how}), licentia.WithStoreTimeout(30*time.Millisecond))
		begun := time.Now()
		if d := check(t, gate, calls(1)); d.Code != licentia.StoreUnreachable || d.HTTPStatus != 503 {
			t.Fatalf("%s: %v", how, d.Code)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Fatalf("%s: it took %v", how, took)
		}
		if d := check(t, gate, licentia.Request{}); !d.Allowed {
			t.Fatalf("%s: what needs no store is denied: %v", how, d.Code)
		}
	}
}

// slowStore takes its time.
type slowStore struct{ licentia.Store }

func (s slowStore) Do(ctx context.Context, ops []licentia.Op) []licentia.Answer {
	time.Sleep(5 * time.Millisecond)
	return s.Store.Do(ctx, ops)
}

func TestWhatIsOnItsWayGoesBackWhenAGateIsClosed(t *testing.T) {
	for range 20 {
		memory, err := licentia.NewMemory()
		if err != nil {
			t.Fatal(err)
		}
		gate := newGate(t, licentia.WithStore(slowStore{memory}), licentia.WithShards(1))
		granted := uint64(0)
		// Long enough that units are fetched ahead.
		for begun := time.Now(); time.Since(begun) < 150*time.Millisecond; {
			if check(t, gate, calls(1)).Allowed {
				granted++
			}
		}
		if err := gate.Close(); err != nil {
			t.Fatal(err)
		}
		if left := left(t, newGate(t, licentia.WithStore(memory))); left != storetest.Limit-granted {
			t.Fatalf("%d are left of %d, of which %d were used", left, storetest.Limit, granted)
		}
	}
}

func TestAContextThatEndsGivesTheRequestUp(t *testing.T) {
	gate := newGate(t, licentia.WithStore(brokenStore{"hangs"}), licentia.WithStoreTimeout(time.Second))
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if d, err := gate.Check(short, storetest.Token, calls(1)); !errors.Is(err, context.DeadlineExceeded) || d != nil {
		t.Fatalf("%v, %v", d, err)
	}
}

func TestAGateThatIsClosedDecidesNoMore(t *testing.T) {
	gate := newGate(t)
	if err := gate.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err := gate.Check(ctx, storetest.Token, licentia.Request{}); err == nil || d != nil {
		t.Fatalf("%v", d)
	}
}

func TestErrorsNameWhatWasWrong(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for what, build := range map[string]func() (*licentia.Gate, error){
		"no key":    func() (*licentia.Gate, error) { return licentia.NewGate(nil) },
		"key 2":     func() (*licentia.Gate, error) { return licentia.NewGate([]string{storetest.Key, "licpub1_x"}) },
		"a key":     func() (*licentia.Gate, error) { return licentia.NewGate([]string{long}) },
		"an option": func() (*licentia.Gate, error) { return licentia.NewGate([]string{storetest.Key}, nil) },
		"shards": func() (*licentia.Gate, error) {
			return licentia.NewGate([]string{storetest.Key}, licentia.WithShards(0))
		},
		"the skew": func() (*licentia.Gate, error) {
			return licentia.NewGate([]string{storetest.Key}, licentia.WithSkew(-1))
		},
		"the store": func() (*licentia.Gate, error) {
			return licentia.NewGate([]string{storetest.Key}, licentia.WithStore(nil))
		},
		"the logger": func() (*licentia.Gate, error) {
			return licentia.NewGate([]string{storetest.Key}, licentia.WithLogger(nil))
		},
		"root key": func() (*licentia.Gate, error) { return licentia.NewGate(nil, licentia.WithKeyset("x", nil)) },
		"cache": func() (*licentia.Gate, error) {
			return licentia.NewGate([]string{storetest.Key}, licentia.WithCacheCapacity(math.MaxInt32))
		},
	} {
		gate, err := build()
		var known *licentia.Error
		if gate != nil || !errors.As(err, &known) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	gate := newGate(t)
	for what, request := range map[string]licentia.Request{
		"Meters":      {Meters: []licentia.Cost{{Name: "calls", Units: 1 << 53}}},
		"Rates":       {Rates: make([]licentia.Cost, 256)},
		"Features":    {Features: make([]string, 300)},
		"Audience":    {Audience: long},
		"Job":         {Job: long},
		"Release":     {Release: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
		"in Meters":   {Meters: []licentia.Cost{{Name: long}}},
		"a name in F": {Features: []string{long}},
	} {
		if d, err := gate.Check(ctx, storetest.Token, request); d != nil || err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, %v", what, d, err)
		}
	}
}

func TestATokenOfAnySizeIsRefusedAndForgetsNothing(t *testing.T) {
	gate := newGate(t)
	check(t, gate, calls(10))
	for _, token := range []string{"", "x", "lic1_", "\x00", "\xff\xfe", strings.Repeat("a", 200<<20), storetest.Token + "A"} {
		d, err := gate.Check(ctx, token, calls(1))
		if err != nil || d.Allowed || d.Licensed || d.HTTPStatus != 401 {
			t.Fatalf("%d bytes: %v, %v", len(token), d, err)
		}
	}
	if left := left(t, gate); left != storetest.Limit-10 {
		t.Fatal(left)
	}
}

func TestEventsAndTheLogNeverHaveAToken(t *testing.T) {
	var log bytes.Buffer
	var events []licentia.Event
	gate := newGate(t, licentia.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		licentia.WithEvents(func(_ context.Context, event licentia.Event) { events = append(events, event) }))
	check(t, gate, licentia.Request{Action: "GET /", Source: "192.0.2.1"})
	check(t, gate, licentia.Request{Features: []string{"teleport"}, Action: "POST /jump"})
	if len(events) != 2 || events[0].Action != "GET /" || !events[0].Decision.Allowed || events[1].Decision.Allowed {
		t.Fatalf("%+v", events)
	}
	text := log.String()
	if !strings.Contains(text, "feature_not_licensed") || !strings.Contains(text, "customer-42") || strings.Contains(text, "lic1_") {
		t.Fatal(text)
	}
}

func TestTheHoldersProofIsGoodOnce(t *testing.T) {
	key, err := licentia.NewHolderKey([32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := key.Prove(storetest.Token, licentia.Challenge{Method: "GET", URI: "https://api.acme.example/"})
	if err != nil || !strings.HasPrefix(proof, "0oR") {
		t.Fatal(proof, err)
	}
	if strings.Contains(key.String(), "7") {
		t.Fatal(key)
	}
	if _, err := key.Prove("x", licentia.Challenge{Method: "GET", URI: "/"}); err == nil {
		t.Fatal("a proof of no licence")
	}
	if _, err := licentia.ReadHolderKey([]byte("x")); err == nil {
		t.Fatal("a key of nothing")
	}
}

func FuzzCheck(f *testing.F) {
	gate, err := licentia.NewGate([]string{storetest.Key}, licentia.WithClock(storetest.Clock), licentia.WithShards(2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(storetest.Token, "api", "export", "calls", uint64(1), "job", "proof", "GET", "/")
	f.Fuzz(func(t *testing.T, token, audience, feature, meter string, cost uint64, job, proof, method, uri string) {
		request := licentia.Request{
			Audience: audience, Features: []string{feature}, Meters: []licentia.Cost{{Name: meter, Units: cost}}, Job: job,
			Proof: &licentia.Proof{Value: proof, Method: method, URI: uri},
		}
		d, err := gate.Check(ctx, token, request)
		var known *licentia.Error
		if err != nil && (!errors.As(err, &known) || known.Code == licentia.Internal) {
			t.Fatal(err)
		}
		if err == nil && d.Allowed && token != storetest.Token {
			t.Fatalf("%q is allowed", token)
		}
		_, _ = licentia.Inspect(token)
		_, _ = licentia.DecodeLicense(token)
		_, _ = licentia.ReadKey(token)
		_ = licentia.Bearer(token)
		if _, err := gate.LoadRevocation([]byte(token)); err == nil {
			t.Fatal("it was loaded")
		}
	})
}
