package licentia

import (
	"context"
	"testing"
)

// sample is a good licence of the vectors with a rate and a quota, its key, and its time.
func sample(t testing.TB) (key, token string, now uint64) {
	return sampleKey, sampleToken, 1_800_000_000
}

func BenchmarkWarm(b *testing.B) {
	key, token, now := sample(b)
	gate, err := NewGate([]string{key}, WithShards(1), WithClock(func() Now { return Now{now, 0} }))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		decision, err := gate.Check(context.Background(), token, Request{})
		if err != nil || !decision.Allowed {
			b.Fatal(decision, err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	key, _, _ := sample(b)
	for b.Loop() {
		if _, err := NewGate([]string{key}, WithShards(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCold(b *testing.B) {
	key, token, now := sample(b)
	for b.Loop() {
		if _, err := Verify(token, []string{key}, Request{}, Verification{}); err != nil {
			b.Fatal(err, now)
		}
	}
}
