package licentia

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"time"
)

// HolderKey is a customer's private key, to which a licence can be bound.
type HolderKey struct {
	seed [32]byte
	// Public is the public key, and Thumbprint its thumbprint (RFC 9679): the issuer binds a licence to either.
	Public, Thumbprint [32]byte
}

// NewHolderKey makes the key of a seed (RFC 8032, section 5.1.5), which is the secret.
func NewHolderKey(seed [32]byte) (*HolderKey, error) {
	answer, err := ask(opHolderKey, func(w *writer) { w.raw(seed[:]) }, Now{})
	if err != nil {
		return nil, err
	}
	key := &HolderKey{seed: seed}
	copy(key.Public[:], answer.take(32))
	copy(key.Thumbprint[:], answer.take(32))
	return key, nil
}

// ReadHolderKey reads an Ed25519 key in PKCS#8 PEM that is not encrypted.
func ReadHolderKey(text []byte) (*HolderKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, &Error{Code: InvalidKey, text: "the text is no PEM of a PRIVATE KEY (PKCS#8, not encrypted)"}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, &Error{Code: InvalidKey, text: "the key is no PKCS#8: " + err.Error()}
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, &Error{Code: InvalidKey, text: "the key is of another algorithm: give one of Ed25519"}
	}
	return NewHolderKey([32]byte(key.Seed()))
}

// Challenge is what a proof answers: a request, and what the service has handed out.
type Challenge struct {
	// Method and URI of the request, as it is sent.
	Method, URI string
	// Body is the SHA-256 of the body if the service wants it covered.
	Body *[32]byte
	// Nonce is the value of `Licentia-Proof-Nonce` that the service sent, if it did.
	Nonce string
}

// Prove makes the value of the header field `Licentia-Proof` for a request with a licence.
func (k *HolderKey) Prove(token string, challenge Challenge) (string, error) {
	if err := checkToken(token); err != nil {
		return "", err
	}
	for _, part := range [...]struct{ what, text string }{
		{"Method", challenge.Method}, {"URI", challenge.URI}, {"Nonce", challenge.Nonce},
	} {
		if err := checkText(part.what, part.text); err != nil {
			return "", err
		}
	}
	answer, err := ask(opProve, func(w *writer) {
		w.raw(k.seed[:])
		w.text(token)
		w.text(challenge.Method)
		w.text(challenge.URI)
		w.text(challenge.Nonce)
		w.flag(challenge.Body != nil)
		if challenge.Body != nil {
			w.raw(challenge.Body[:])
		}
	}, Now{Seconds: uint64(time.Now().Unix())})
	if err != nil {
		return "", err
	}
	answer.text() // the name of the header field
	return answer.text(), nil
}

// String hides the key.
func (k *HolderKey) String() string { return "HolderKey(..)" }
