// Command cose verifies signed objects of Licentia with github.com/veraison/go-cose.
//
// Each line of its standard input has a public key and an object, in hexadecimal digits. For each it prints the
// payload in hexadecimal digits where the signature is good, and else why it is not.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/veraison/go-cose"
)

// fullySpecified is Ed25519 under the algorithm of RFC 9864, which go-cose does not know by itself.
type fullySpecified ed25519.PublicKey

func (fullySpecified) Algorithm() cose.Algorithm { return -19 }

func (key fullySpecified) Verify(content, signature []byte) error {
	if !ed25519.Verify(ed25519.PublicKey(key), content, signature) {
		return cose.ErrVerification
	}
	return nil
}

func verify(key, object []byte) ([]byte, error) {
	var message cose.Sign1Message
	if err := message.UnmarshalCBOR(object); err != nil {
		return nil, err
	}
	if err := message.Verify(nil, fullySpecified(key)); err != nil {
		return nil, err
	}
	return message.Payload, nil
}

func answer(line string) (string, error) {
	key, object, _ := strings.Cut(line, " ")
	keyBytes, err := hex.DecodeString(key)
	if err != nil {
		return "", err
	}
	objectBytes, err := hex.DecodeString(object)
	if err != nil {
		return "", err
	}
	payload, err := verify(keyBytes, objectBytes)
	if err != nil {
		return "refused: " + strings.ReplaceAll(err.Error(), "\n", " "), nil
	}
	return hex.EncodeToString(payload), nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		text, err := answer(lines.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(text)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
