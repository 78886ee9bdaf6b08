package licentia

import "time"

// Verdict is what [Verify] found.
type Verdict struct {
	// Allowed says whether the token is good for the request. Code says why.
	Allowed       bool
	Code, Warning Code
	State         State
	// License is what the licence says; nil unless the signature is good.
	License *License
	// Explanation has all checks that ran; the last one decided.
	Explanation []Step
}

// Verification says what [Verify] expects, beside the request.
type Verification struct {
	// Issuer is whom the licence must be from. Empty is anybody whose key is trusted.
	Issuer string
	// Skew is by how much clocks may differ, and ProofAge how old a proof may be: a minute if 0, and nothing if negative.
	Skew, ProofAge time.Duration
	// Now is the time of the request; the system's if it is the zero time.
	Now time.Time
}

// Verify verifies one token with public keys, without a gate: nothing is counted, revoked or remembered.
func Verify(token string, keys []string, request Request, expect Verification) (*Verdict, error) {
	if err := request.check(); err != nil {
		return nil, err
	}
	if len(keys) > mostItems {
		return nil, wrong("keys has %d entries: give at most %d", len(keys), mostItems)
	}
	for _, key := range append(keys[:len(keys):len(keys)], expect.Issuer) {
		if err := checkText("a key or the issuer", key); err != nil {
			return nil, err
		}
	}
	now := systemClock()
	if !expect.Now.IsZero() {
		now.Seconds = uint64(max(0, expect.Now.Unix()))
	}
	orMinute := func(d time.Duration) uint64 {
		if d == 0 {
			d = time.Minute
		}
		return uint64(max(0, d) / time.Second)
	}
	answer, err := ask(opVerify, func(w *writer) {
		request.write(w, token)
		w.flag(expect.Issuer != "")
		if expect.Issuer != "" {
			w.text(expect.Issuer)
		}
		w.u64(orMinute(expect.Skew))
		w.u64(orMinute(expect.ProofAge))
		w.u8(uint8(len(keys)))
		for _, key := range keys {
			w.text(key)
		}
	}, now)
	if err != nil {
		return nil, err
	}
	verdict := &Verdict{Code: Code(answer.u16()), Warning: Code(answer.u16()), State: State(answer.u8())}
	verdict.Allowed = verdict.Code == Allowed
	if claims := answer.text(); claims != "" {
		if verdict.License, err = readLicense(claims); err != nil {
			return nil, err
		}
	}
	verdict.Explanation = readSteps(answer.text())
	return verdict, nil
}
