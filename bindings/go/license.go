package licentia

import (
	"encoding/json"
	"fmt"
	"time"
)

// License is what a licence says. The members are the same in every language; times are seconds since 1970, bytes
// hexadecimal.
type License struct {
	// KeyID identifies the key that signed it.
	KeyID string `json:"kid"`
	// Issuer is the vendor, and Subject the customer.
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	// Audiences are the services that it is for; none means all of the issuer's.
	Audiences []string `json:"aud"`
	// Expires is when everything ends, grace included. TermEnd is when the contract ends.
	Expires   int64  `json:"exp"`
	NotBefore *int64 `json:"nbf"`
	IssuedAt  int64  `json:"iat"`
	TermEnd   *int64 `json:"term_end"`
	// TokenID is this token's identifier. Lineage stays the same through renewals and upgrades.
	TokenID string `json:"cti"`
	Lineage string `json:"lineage"`
	// Confirmation is the customer's key, if the licence is bound to one.
	Confirmation *struct {
		Key        string `json:"key,omitempty"`
		Thumbprint string `json:"thumbprint,omitempty"`
	} `json:"cnf"`
	Tier struct {
		Name    string `json:"name"`
		Version uint64 `json:"version"`
	} `json:"tier"`
	Features map[string]Feature `json:"features"`
	Quotas   map[string]Quota   `json:"quotas"`
	Rates    map[string]Rate    `json:"rates"`
	Seats    *uint64            `json:"seats"`
	Policy   struct {
		StaleRevocation  json.RawMessage `json:"stale_revocation"`
		ClockDoubt       json.RawMessage `json:"clock_doubt"`
		StoreUnreachable json.RawMessage `json:"store_unreachable"`
		MaxRevocationAge *uint64         `json:"max_revocation_age"`
	} `json:"policy"`
	NodeLocks       []string          `json:"node_locks"`
	MaintainedUntil *int64            `json:"maintained_until"`
	Kind            string            `json:"kind"`
	Meta            map[string]string `json:"meta"`
	// Index and Stream say where revocation bundles have it.
	Index  *uint64 `json:"index"`
	Stream uint64  `json:"stream"`

	raw string
}

// JSON returns the licence as JSON, in the form that all languages share.
func (l *License) JSON() string { return l.raw }

// Feature is a feature's value: true, a number or a text; and when it expires.
type Feature struct {
	Value   any    `json:"value"`
	Expires *int64 `json:"expires"`
}

// Quota is a number of units in each period. Period and Overage are as in JSON of every language.
type Quota struct {
	Limit   uint64          `json:"limit"`
	Period  json.RawMessage `json:"period"`
	Overage json.RawMessage `json:"overage"`
}

// Rate is a number of requests in a number of milliseconds.
type Rate struct {
	Count uint64 `json:"count"`
	PerMS uint64 `json:"per_ms"`
	Burst uint64 `json:"burst"`
}

func readLicense(text string) (*License, error) {
	license := &License{raw: text}
	if err := json.Unmarshal([]byte(text), license); err != nil {
		return nil, &Error{Code: Internal, text: fmt.Sprintf("the licence was not read: %v", err)}
	}
	return license, nil
}

// Inspect reads what a token says. Its signature is not checked: anybody can write such a token.
func Inspect(token string) (*License, error) {
	if err := checkToken(token); err != nil {
		return nil, err
	}
	answer, err := ask(opInspect, func(w *writer) { w.text(token) }, Now{})
	if err != nil {
		return nil, err
	}
	return readLicense(answer.text())
}

func checkToken(token string) error {
	if len(token) > mostToken {
		return wrong("the token has %d bytes: no licence has more than %d", len(token), mostToken)
	}
	return nil
}

// DecodeLicense returns the bytes of a licence's text form.
func DecodeLicense(text string) ([]byte, error) {
	if len(text) > mostToken {
		text = text[:mostToken]
	}
	answer, err := ask(opDecodeLicense, func(w *writer) { w.text(text) }, Now{})
	if err != nil {
		return nil, err
	}
	return []byte(answer.text()), nil
}

// EncodeLicense returns the text form of a licence's bytes.
func EncodeLicense(token []byte) string {
	answer, err := ask(opEncodeLicense, func(w *writer) { w.bytes(token) }, Now{})
	if err != nil {
		return ""
	}
	return answer.text()
}

// PublicKey is an issuer's public key.
type PublicKey struct {
	KeyID     []byte
	PublicKey [32]byte
}

// ReadKey reads the text form of a public key, which begins with "licpub1_".
func ReadKey(text string) (*PublicKey, error) {
	if err := checkText("the key", text); err != nil {
		return nil, err
	}
	answer, err := ask(opReadKey, func(w *writer) { w.text(text) }, Now{})
	if err != nil {
		return nil, err
	}
	key := &PublicKey{KeyID: []byte(answer.text())}
	copy(key.PublicKey[:], answer.take(32))
	return key, nil
}

// PeriodWindow returns start and end of the period of a quota that contains a time. The end of a period that never ends
// is the zero time. The period is as [Quota].Period has it: a name such as "month", or an object.
func PeriodWindow(period json.RawMessage, at time.Time) (start, end time.Time, err error) {
	var name string
	var members map[string]uint64
	if json.Unmarshal(period, &name) != nil {
		if err := json.Unmarshal(period, &members); err != nil {
			return start, end, wrong("the period is neither a name nor an object of numbers: %v", err)
		}
	}
	answer, err := ask(opPeriodWindow, func(w *writer) {
		w.u64(uint64(at.Unix()))
		w.text(name)
		if name == "" {
			w.u8(uint8(len(members)))
			for _, member := range []string{"seconds", "anchor", "month_from", "year_from"} {
				if number, has := members[member]; has {
					w.text(member)
					w.u64(number)
					delete(members, member)
				}
			}
			for member, number := range members {
				w.text(member)
				w.u64(number)
			}
		}
	}, Now{})
	if err != nil {
		return start, end, err
	}
	start = time.Unix(int64(answer.u64()), 0)
	if until := answer.u64(); until != none {
		end = time.Unix(int64(until), 0)
	}
	return start, end, nil
}
