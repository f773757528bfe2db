package main

// FlatBuffers as the specification uses them: a writer of the canonical layout (spec section 1.6) and a reader of any
// layout. A table is described by the kinds of its fields, in the schema's order, so that no generated code is needed.

import (
	"encoding/binary"
	"fmt"
)

var little = binary.LittleEndian

type kind struct {
	size, align int  // in the table; strings, vectors and tables are offsets of 4 bytes
	tail        byte // 's' string, 'v' vector of fixed elements, 'S' strings, 'T' tables, 't' table; 0: in place
	element     int  // size of a vector's elements
	aligned     int  // their alignment
	table       []kind
}

var (
	u8, u16, u32, u64 = scalar(1), scalar(2), scalar(4), scalar(8)
	text              = kind{size: 4, align: 4, tail: 's'}
	texts             = kind{size: 4, align: 4, tail: 'S'}
	octets            = vector(1, 1)
	taskID            = structure(16, 1)
	objectRef         = structure(40, 8)
)

func scalar(size int) kind           { return kind{size: size, align: size} }
func structure(size, align int) kind { return kind{size: size, align: align} }
func vector(element, aligned int) kind {
	return kind{size: 4, align: 4, tail: 'v', element: element, aligned: aligned}
}
func table(fields []kind) kind  { return kind{size: 4, align: 4, tail: 't', table: fields} }
func tables(fields []kind) kind { return kind{size: 4, align: 4, tail: 'T', table: fields} }

func up(at, to int) int { return (at + to - 1) / to * to }

// layout gives each field's place in the table, and the table's size.
func layout(fields []kind) ([]int, int) {
	places, at := make([]int, len(fields)), 4
	for i, field := range fields {
		at = up(at, field.align)
		places[i] = at
		at += field.size
	}
	return places, up(at, 8)
}

type writer struct{ out []byte }

func (w *writer) zeros(count int) int {
	at := len(w.out)
	w.out = append(w.out, make([]byte, count)...)
	return at
}

// encode makes a metadata buffer of a table whose fields have these values; missing ones are zero or empty.
func encode(fields []kind, values []any) []byte {
	w := &writer{}
	w.zeros(8)
	root := w.block(fields, values)
	little.PutUint32(w.out, uint32(root))
	copy(w.out[4:], "BWS1")
	return w.out
}

// block appends a table's block and returns the table's place.
func (w *writer) block(fields []kind, values []any) int {
	places, size := layout(fields)
	head := 4 + 2*len(fields)
	start := w.zeros(up(head, 8))
	little.PutUint16(w.out[start:], uint16(head))
	little.PutUint16(w.out[start+2:], uint16(size))
	for i, place := range places {
		little.PutUint16(w.out[start+4+2*i:], uint16(place))
	}
	at := w.zeros(size)
	little.PutUint32(w.out[at:], uint32(at-start))
	empty := w.zeros(8)
	for i, field := range fields {
		var value any
		if i < len(values) {
			value = values[i]
		}
		place := at + places[i]
		if field.tail == 0 {
			w.fixed(place, field, value)
		} else {
			target := w.tail(field, value, empty) // which may move the bytes
			little.PutUint32(w.out[place:], uint32(target-place))
		}
	}
	return at
}

func (w *writer) fixed(place int, field kind, value any) {
	switch v := value.(type) {
	case nil:
	case []byte:
		copy(w.out[place:place+field.size], v)
	case int:
		var bytes [8]byte
		little.PutUint64(bytes[:], uint64(v))
		copy(w.out[place:place+field.size], bytes[:])
	case uint64:
		var bytes [8]byte
		little.PutUint64(bytes[:], v)
		copy(w.out[place:place+field.size], bytes[:])
	default:
		panic(fmt.Sprintf("a field of %T", value))
	}
}

// tail appends what an offset points at, and returns that place.
func (w *writer) tail(field kind, value any, empty int) int {
	pad := func() { w.zeros(up(len(w.out), 8) - len(w.out)) }
	switch field.tail {
	case 't':
		values, _ := value.([]any)
		return w.block(field.table, values)
	case 's':
		if s, _ := value.(string); s != "" {
			return w.text(s)
		}
	case 'v':
		if bytes, _ := value.([]byte); len(bytes) > 0 {
			if field.aligned == 8 {
				w.zeros(4)
			}
			at := w.zeros(4)
			little.PutUint32(w.out[at:], uint32(len(bytes)/field.element))
			w.out = append(w.out, bytes...)
			pad()
			return at
		}
		if field.aligned == 8 {
			return empty + 4
		}
	case 'S', 'T':
		each, count := func(int) int { return 0 }, 0
		if field.tail == 'S' {
			list, _ := value.([]string)
			each, count = func(i int) int { return w.text(list[i]) }, len(list)
		} else {
			list, _ := value.([][]any)
			each, count = func(i int) int { return w.block(field.table, list[i]) }, len(list)
		}
		if count > 0 {
			at := w.zeros(4 + 4*count)
			little.PutUint32(w.out[at:], uint32(count))
			pad()
			for i := 0; i < count; i++ {
				place := at + 4 + 4*i
				target := each(i)
				little.PutUint32(w.out[place:], uint32(target-place))
			}
			return at
		}
	}
	return empty
}

func (w *writer) text(s string) int {
	at := w.zeros(up(4+len(s)+1, 8))
	little.PutUint32(w.out[at:], uint32(len(s)))
	copy(w.out[at+4:], s)
	return at
}

// flat is a table that is read, wherever its writer has put its fields. Every access is checked against the bytes.
type flat struct {
	data []byte
	at   int
}

func bad(format string, more ...any) { panic(protocolError(fmt.Sprintf(format, more...))) }

type protocolError string

func (e protocolError) Error() string { return string(e) }

func root(data []byte) flat {
	t := flat{data, 0}
	at := t.u32(0)
	return flat{data, at}.checked()
}

func (t flat) checked() flat {
	if t.at < 0 || t.at+4 > len(t.data) {
		bad("a table at %d, in %d bytes", t.at, len(t.data))
	}
	return t
}

func (t flat) need(at, count int) int {
	if at < 0 || count < 0 || at > len(t.data) || count > len(t.data)-at {
		bad("%d bytes at %d, in %d", count, at, len(t.data))
	}
	return at
}

func (t flat) u16(at int) int { return int(little.Uint16(t.data[t.need(at, 2):])) }
func (t flat) u32(at int) int { return int(little.Uint32(t.data[t.need(at, 4):])) }

// field is the place of a field's bytes; 0: it is absent.
func (t flat) field(number int) int {
	vtable := t.at - int(int32(t.u32(t.at)))
	if 4+2*number+2 > t.u16(vtable) {
		return 0
	}
	offset := t.u16(vtable + 4 + 2*number)
	if offset == 0 {
		return 0
	}
	return t.at + offset
}

func (t flat) number(number, size int) uint64 {
	at := t.field(number)
	if at == 0 {
		return 0
	}
	var bytes [8]byte
	copy(bytes[:], t.data[t.need(at, size):at+size])
	return little.Uint64(bytes[:])
}

func (t flat) fixed(number, size int) []byte {
	at := t.field(number)
	if at == 0 {
		return make([]byte, size)
	}
	return t.data[t.need(at, size) : at+size]
}

func (t flat) pointed(number int) int {
	at := t.field(number)
	if at == 0 {
		return 0
	}
	return at + t.u32(at)
}

// vector is a vector's elements, each of so many bytes.
func (t flat) vector(number, size int) []byte {
	at := t.pointed(number)
	if at == 0 {
		return nil
	}
	length := t.u32(at) * size
	return t.data[t.need(at+4, length) : at+4+length]
}

func (t flat) text(number int) string { return string(t.vector(number, 1)) }

func (t flat) table(number int) (flat, bool) {
	at := t.pointed(number)
	if at == 0 {
		return flat{}, false
	}
	return flat{t.data, at}.checked(), true
}

// tables are the tables of a vector.
func (t flat) tables(number int) []flat {
	at := t.pointed(number)
	if at == 0 {
		return nil
	}
	count := t.u32(at)
	t.need(at+4, 4*count)
	all := make([]flat, count)
	for i := range all {
		place := at + 4 + 4*i
		all[i] = flat{t.data, place + t.u32(place)}.checked()
	}
	return all
}
