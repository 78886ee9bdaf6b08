package licentia

import (
	"encoding/json"
	"fmt"
	"sync"
)

// Code says what came of a decision or an operation. Its number, name and meaning never change. The README of the
// project has the table.
type Code uint16

// codeEntry is a row of the table of codes.
type codeEntry struct {
	Number  Code   `json:"number"`
	Name    string `json:"name"`
	Message string `json:"message"`
	Advice  string `json:"advice"`
}

var codeTable = sync.OnceValue(func() map[Code]codeEntry {
	table := map[Code]codeEntry{
		Internal: {Internal, "internal", "The library failed.", ""},
	}
	answer, err := ask(opCodes, func(*writer) {}, Now{})
	var entries []codeEntry
	if err == nil && json.Unmarshal([]byte(answer.text()), &entries) == nil {
		for _, entry := range entries {
			table[entry.Number] = entry
		}
	}
	return table
})

// Name is the code's name, such as "quota_exceeded".
func (c Code) Name() string { return codeTable()[c].Name }

// String returns the name.
func (c Code) String() string {
	if name := c.Name(); name != "" {
		return name
	}
	return fmt.Sprintf("code %d", uint16(c))
}

// Message says what happened, in a sentence.
func (c Code) Message() string { return codeTable()[c].Message }

// Advice says what to do about it. It is empty if there is nothing to do.
func (c Code) Advice() string { return codeTable()[c].Advice }

// Codes returns all codes, in the order of their numbers.
func Codes() []Code {
	var codes []Code
	for number := Code(0); number < Internal; number++ {
		if _, known := codeTable()[number]; known {
			codes = append(codes, number)
		}
	}
	return codes
}

// Error says why an operation was refused, or what was wrong with its arguments. A denied request is a [Decision], and
// no error.
type Error struct {
	Code Code
	text string
}

func (e *Error) Error() string { return "licentia: " + e.text + " (" + e.Code.String() + ")" }

// Is reports whether target is an error of the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// State is what an allowed decision is in.
type State uint8

// States of a decision.
const (
	Active   State = 0 // the contract runs
	Grace    State = 1 // the contract has ended, and the licence has not: time to renew
	Overage  State = 2 // a quota is used up, and the contract allows overage
	Advisory State = 3 // an enforcing gate would have denied it
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Active:
		return "active"
	case Grace:
		return "grace"
	case Overage:
		return "overage"
	case Advisory:
		return "advisory"
	}
	return fmt.Sprintf("state %d", uint8(s))
}
