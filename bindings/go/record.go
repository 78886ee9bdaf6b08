package licentia

import (
	"encoding/binary"
	"math"
)

// none stands for a number that is absent in a record.
const none = math.MaxUint64

// writer builds a record: numbers are little-endian, texts and bytes stand behind their length.
type writer struct{ b []byte }

func (w *writer) u8(n uint8)     { w.b = append(w.b, n) }
func (w *writer) u32(n uint32)   { w.b = binary.LittleEndian.AppendUint32(w.b, n) }
func (w *writer) u64(n uint64)   { w.b = binary.LittleEndian.AppendUint64(w.b, n) }
func (w *writer) raw(b []byte)   { w.b = append(w.b, b...) }
func (w *writer) text(s string)  { w.u32(uint32(len(s))); w.b = append(w.b, s...) }
func (w *writer) bytes(b []byte) { w.u32(uint32(len(b))); w.b = append(w.b, b...) }
func (w *writer) flag(is bool) {
	if is {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

// reader reads a record of the module. It is trusted, and one that ends early reads as zeroes.
type reader struct {
	s  string
	at int
}

func (r *reader) take(n int) string {
	if n < 0 || n > len(r.s)-r.at {
		r.at = len(r.s)
		return ""
	}
	part := r.s[r.at : r.at+n]
	r.at += n
	return part
}

func (r *reader) number(n int) (value uint64) {
	part := r.take(n)
	for i := len(part) - 1; i >= 0; i-- {
		value = value<<8 | uint64(part[i])
	}
	return value
}

func (r *reader) u8() uint8   { return uint8(r.number(1)) }
func (r *reader) u16() uint16 { return uint16(r.number(2)) }
func (r *reader) u32() uint32 { return uint32(r.number(4)) }
func (r *reader) u64() uint64 {
	if r.at+8 > len(r.s) {
		return r.number(8)
	}
	s := r.s[r.at : r.at+8]
	r.at += 8
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
func (r *reader) text() string { return r.take(int(r.u32())) }
func (r *reader) rest() string { return r.take(len(r.s) - r.at) }
