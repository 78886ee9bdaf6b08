package licentia

import (
	"fmt"
	"time"
)

// Request says what a request needs of a licence. The zero value asks only whether the licence is good.
type Request struct {
	// Action names what is done, and Source who asks, for events.
	Action, Source string
	// Audience is the service that the licence must be for. Empty is the gate's own.
	Audience string
	// Features must all be licensed.
	Features []string
	// Rates and Meters are charged, all or none. A cost of 0 reads what is left.
	Rates, Meters []Cost
	// Job charges the meters once, whoever asks and however often, until the period ends. Empty is no job.
	Job string
	// Node is the fingerprint of the machine, for licences with node locks.
	Node *[32]byte
	// Release is the date of the release that runs, for licences with maintenance. The zero time is none.
	Release time.Time
	// Proof is the holder's proof of possession, for licences that are bound to a key.
	Proof *Proof
	// Explain adds the explanation of a plain yes too. Everything else is always explained.
	Explain bool
	// HTTP adds the header fields and the body of a response: see [Decision.Header] and [Decision.Problem].
	HTTP bool
}

// Cost is a number of requests of a rate, or of units of a meter.
type Cost struct {
	Name  string
	Units uint64
}

// Proof is a proof of possession, and the HTTP request that it is for.
type Proof struct {
	// Value is the value of the header field `Licentia-Proof`.
	Value string
	// Method and URI of the request, as the client sent them.
	Method, URI string
	// Body is the SHA-256 of the request's body if the proof must cover it.
	Body *[32]byte
}

// Limits beyond which nothing is copied into the module.
const (
	mostToken = 64 << 10
	mostText  = 16 << 10
	mostItems = 255
	// greatest is the largest number that a licence can hold: 2^53-1.
	greatest = 1<<53 - 1
)

func wrong(format string, arguments ...any) error {
	return &Error{Code: InvalidArgument, text: fmt.Sprintf(format, arguments...)}
}

func checkText(what, text string) error {
	if len(text) > mostText {
		return wrong("%s has %d bytes: give at most %d", what, len(text), mostText)
	}
	return nil
}

func checkCosts(what string, costs []Cost) error {
	if len(costs) > mostItems {
		return wrong("%s has %d entries: give at most %d", what, len(costs), mostItems)
	}
	for _, cost := range costs {
		if len(cost.Name) > mostText {
			return checkText("a name in "+what, cost.Name)
		}
		if cost.Units > greatest {
			return wrong("%s: the cost of %q is %d: give at most %d", what, cost.Name, cost.Units, uint64(greatest))
		}
	}
	return nil
}

// check refuses what no request can mean, so that the error names it.
func (r *Request) check() error {
	for _, part := range [...]struct{ what, text string }{{"Audience", r.Audience}, {"Job", r.Job}} {
		if len(part.text) > mostText {
			return checkText(part.what, part.text)
		}
	}
	if len(r.Features) > mostItems {
		return wrong("Features has %d entries: give at most %d", len(r.Features), mostItems)
	}
	for _, feature := range r.Features {
		if len(feature) > mostText {
			return checkText("a name in Features", feature)
		}
	}
	if err := checkCosts("Rates", r.Rates); err != nil {
		return err
	}
	if err := checkCosts("Meters", r.Meters); err != nil {
		return err
	}
	if !r.Release.IsZero() && (r.Release.Unix() < 0 || r.Release.Year() > 9999) {
		return wrong("Release is %v: give a date from 1970 to 9999", r.Release)
	}
	return nil
}

// write writes the request with a token. A token that is too long to be one, or a proof, is cut: what the module sees is
// still too long.
func (r *Request) write(w *writer, token string) {
	var flags uint32
	set := func(is bool, flag uint32) bool {
		if is {
			flags |= flag
		}
		return is
	}
	audience := set(r.Audience != "", requestAudience)
	job := set(r.Job != "", requestJob)
	node := set(r.Node != nil, requestNode)
	release := set(!r.Release.IsZero(), requestRelease)
	proof := set(r.Proof != nil, requestProof|requestProofText)
	body := set(proof && r.Proof.Body != nil, requestBody)
	set(r.Explain, requestExplain)
	set(r.HTTP, requestHTTP)
	w.u32(flags)
	w.text(token[:min(len(token), mostToken)])
	if audience {
		w.text(r.Audience)
	}
	if job {
		w.text(r.Job)
	}
	if node {
		w.raw(r.Node[:])
	}
	if release {
		w.u64(uint64(r.Release.Unix()))
	}
	if proof {
		w.text(r.Proof.Value[:min(len(r.Proof.Value), mostText)])
		w.text(r.Proof.Method[:min(len(r.Proof.Method), mostText)])
		w.text(r.Proof.URI[:min(len(r.Proof.URI), mostText)])
		if body {
			w.raw(r.Proof.Body[:])
		}
	}
	w.u8(uint8(len(r.Features)))
	for _, feature := range r.Features {
		w.text(feature)
	}
	for _, costs := range [2][]Cost{r.Rates, r.Meters} {
		w.u8(uint8(len(costs)))
		for _, cost := range costs {
			w.text(cost.Name)
			w.u64(cost.Units)
		}
	}
}
