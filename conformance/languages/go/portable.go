package main

// Portable values (spec section 3.6) without buffers: nil, booleans, integers, floats, strings, bytes, lists and maps.

import (
	"fmt"
	"math"
)

func pack(out []byte, v any) []byte {
	big := func(head byte, value uint64, bytes int) {
		out = append(out, head)
		for shift := 8 * (bytes - 1); shift >= 0; shift -= 8 {
			out = append(out, byte(value>>shift))
		}
	}
	switch v := v.(type) {
	case nil:
		out = append(out, 0xc0)
	case bool:
		if v {
			return append(out, 0xc3)
		}
		out = append(out, 0xc2)
	case int:
		return pack(out, int64(v))
	case int64:
		if v >= 0 && v < 128 || v < 0 && v >= -32 {
			return append(out, byte(v))
		}
		big(0xd3, uint64(v), 8)
	case float64:
		big(0xcb, math.Float64bits(v), 8)
	case string:
		big(0xdb, uint64(len(v)), 4)
		out = append(out, v...)
	case []byte:
		big(0xc6, uint64(len(v)), 4)
		out = append(out, v...)
	case []any:
		big(0xdd, uint64(len(v)), 4)
		for _, each := range v {
			out = pack(out, each)
		}
	default:
		panic(fmt.Sprintf("a %T does not cross", v))
	}
	return out
}

type unpacker struct {
	in []byte
	at int
}

func unpack(in []byte) any {
	u := &unpacker{in: in}
	v := u.value(0)
	if u.at != len(in) {
		bad("bytes follow a portable value")
	}
	return v
}

func (u *unpacker) take(count int) []byte {
	if count < 0 || count > len(u.in)-u.at {
		bad("a portable value wants %d bytes of %d", count, len(u.in)-u.at)
	}
	u.at += count
	return u.in[u.at-count : u.at]
}

func (u *unpacker) big(bytes int) uint64 {
	var v uint64
	for _, b := range u.take(bytes) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (u *unpacker) value(depth int) any {
	if depth > 256 {
		bad("a portable value is nested deeper than 256 levels")
	}
	head := u.take(1)[0]
	switch {
	case head < 0x80:
		return int64(head)
	case head < 0x90:
		return u.mapping(int(head&15), depth)
	case head < 0xa0:
		return u.list(int(head&15), depth)
	case head < 0xc0:
		return string(u.take(int(head & 31)))
	case head >= 0xe0:
		return int64(int8(head))
	}
	switch head {
	case 0xc0:
		return nil
	case 0xc2, 0xc3:
		return head == 0xc3
	case 0xc4, 0xc5, 0xc6:
		return u.take(int(u.big(1 << (head - 0xc4))))
	case 0xca:
		return float64(math.Float32frombits(uint32(u.big(4))))
	case 0xcb:
		return math.Float64frombits(u.big(8))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return int64(u.big(1 << (head - 0xcc)))
	case 0xd0:
		return int64(int8(u.big(1)))
	case 0xd1:
		return int64(int16(u.big(2)))
	case 0xd2:
		return int64(int32(u.big(4)))
	case 0xd3:
		return int64(u.big(8))
	case 0xd9, 0xda, 0xdb:
		return string(u.take(int(u.big(1 << (head - 0xd9)))))
	case 0xdc, 0xdd:
		return u.list(int(u.big(2<<(head-0xdc))), depth)
	case 0xde, 0xdf:
		return u.mapping(int(u.big(2<<(head-0xde))), depth)
	}
	bad("a portable value of kind %#x, which this client does not read", head)
	return nil
}

func (u *unpacker) list(count, depth int) []any {
	if count > len(u.in)-u.at {
		bad("a list of %d elements in %d bytes", count, len(u.in)-u.at)
	}
	list := make([]any, count)
	for i := range list {
		list[i] = u.value(depth + 1)
	}
	return list
}

func (u *unpacker) mapping(count, depth int) map[any]any {
	m := map[any]any{}
	for ; count > 0; count-- {
		key := u.value(depth + 1)
		m[key] = u.value(depth + 1)
	}
	return m
}
