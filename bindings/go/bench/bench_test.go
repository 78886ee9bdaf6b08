// Package bench measures a check beside golang-jwt, in one run: go test -bench . -count 5
package bench

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

var ctx = context.Background()

func gate(b *testing.B, options ...licentia.Option) *licentia.Gate {
	b.Helper()
	options = append(options, licentia.WithAudience(storetest.Audience), licentia.WithClock(storetest.Clock))
	gate, err := licentia.NewGate([]string{storetest.Key}, options...)
	if err != nil {
		b.Fatal(err)
	}
	return gate
}

// BenchmarkWarm checks a token that was seen before: verified once, held against time, audience and revocations each time.
func BenchmarkWarm(b *testing.B) {
	gate := gate(b)
	b.ReportAllocs()
	defer processor(b)()
	for b.Loop() {
		if decision, err := gate.Check(ctx, storetest.Token, licentia.Request{}); err != nil || !decision.Allowed {
			b.Fatal(decision, err)
		}
	}
}

// BenchmarkWarmCharged also counts a unit of a quota, of a licence of the vectors that has more than are used here.
func BenchmarkWarmCharged(b *testing.B) {
	var file struct {
		TestGroups []struct {
			Keys  []string
			Tests []struct{ Comment, Token string }
		}
	}
	text, err := os.ReadFile("../../../tests/vectors/license.json")
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		b.Fatal(err)
	}
	var key, token string
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			if test.Comment == "quota: limit 9007199254740991" {
				key, token = group.Keys[0], test.Token
			}
		}
	}
	gate, err := licentia.NewGate([]string{key}, licentia.WithClock(storetest.Clock))
	if err != nil {
		b.Fatal(err)
	}
	request := licentia.Request{Meters: []licentia.Cost{{Name: "q", Units: 1}}}
	defer processor(b)()
	for b.Loop() {
		if decision, err := gate.Check(ctx, token, request); err != nil || !decision.Allowed {
			b.Fatal(decision, err)
		}
	}
}

// processor reports the time that the process has used, which other processes of the machine do not add to.
func processor(b *testing.B) func() {
	used := func() int64 {
		var usage syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		return usage.Utime.Nano() + usage.Stime.Nano()
	}
	begun := used()
	return func() { b.ReportMetric(float64(used()-begun)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkCold verifies the signature each time.
func BenchmarkCold(b *testing.B) {
	request := licentia.Request{Audience: storetest.Audience}
	defer processor(b)()
	expect := licentia.Verification{Now: time.Unix(int64(storetest.Clock().Seconds), 0)}
	for b.Loop() {
		if verdict, err := licentia.Verify(storetest.Token, []string{storetest.Key}, request, expect); err != nil || !verdict.Allowed {
			b.Fatal(verdict, err)
		}
	}
}

// BenchmarkJWT verifies a token of the same size and algorithm, which golang-jwt does each time.
func BenchmarkJWT(b *testing.B) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	claims := jwt.MapClaims{
		"iss": "acme", "sub": "customer-42", "aud": storetest.Audience, "exp": 4102444800, "tier": "pro",
		"features": []string{"export"}, "quotas": map[string]any{"calls": 100_000}, "rates": map[string]any{"api": 10},
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(private)
	if err != nil {
		b.Fatal(err)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithAudience(storetest.Audience))
	key := func(*jwt.Token) (any, error) { return public, nil }
	b.ReportAllocs()
	defer processor(b)()
	for b.Loop() {
		if parsed, err := parser.Parse(token, key); err != nil || !parsed.Valid {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandler serves a request of net/http, without a network.
func BenchmarkHandler(b *testing.B) {
	handler := gate(b).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), licentia.Route{})
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Authorization", "Bearer "+storetest.Token)
	defer processor(b)()
	for b.Loop() {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != 200 {
			b.Fatal(recorder.Code)
		}
	}
}

// BenchmarkStart makes a gate with one instance.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		gate(b, licentia.WithShards(1))
	}
}
