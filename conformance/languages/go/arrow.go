package main

// Arrow IPC streams (spec section 3.5), read where they lie: columns of 64-bit integers, floats and strings.

import (
	"errors"
	"fmt"
	"math"
)

const (
	arrowSchema, arrowDictionary, arrowBatch = 1, 2, 3 // MessageHeader
	arrowInt, arrowFloat, arrowUtf8          = 2, 3, 5 // Type
)

type column struct {
	name string
	kind int
	bits int
}

// summary is what this client makes of a table: its rows, and of each column the sum of its numbers or of its lengths.
type summary struct {
	Rows    int64
	Columns []string
	Sums    map[string]float64
	Nulls   map[string]int64
}

func summarize(stream []byte) (s summary, err error) {
	defer func() {
		if broken, is := recover().(protocolError); is {
			err = broken
		}
	}()
	s = summary{Sums: map[string]float64{}, Nulls: map[string]int64{}}
	var columns []column
	for at := 0; at+8 <= len(stream); {
		size := int(int32(little.Uint32(stream[at+4:])))
		at += 8
		if size == 0 {
			return s, nil
		}
		if size < 0 || size > len(stream)-at {
			return s, errors.New("a message is cut short")
		}
		message := root(stream[at : at+size])
		at += size
		length := int(message.number(3, 8))
		if length < 0 || length > len(stream)-at {
			return s, errors.New("a message's body is cut short")
		}
		body := stream[at : at+length]
		at += length
		header, _ := message.table(2)
		switch message.number(1, 1) {
		case arrowSchema:
			if columns, err = readSchema(header); err != nil {
				return s, err
			}
			for _, each := range columns {
				s.Columns = append(s.Columns, each.name)
			}
		case arrowBatch:
			if err = s.add(columns, header, body); err != nil {
				return s, err
			}
		default:
			return s, fmt.Errorf("a message of type %d, which this client does not read", message.number(1, 1))
		}
	}
	return s, nil
}

func readSchema(schema flat) ([]column, error) {
	var columns []column
	for _, field := range schema.tables(1) {
		of := column{name: field.text(0), kind: int(field.number(2, 1))}
		detail, _ := field.table(3)
		switch of.kind {
		case arrowInt:
			of.bits = int(detail.number(0, 4))
		case arrowFloat:
			of.bits = map[uint64]int{0: 16, 1: 32, 2: 64}[detail.number(0, 2)]
		case arrowUtf8:
			of.bits = 8
		}
		if of.kind != arrowUtf8 && of.bits != 64 {
			return nil, fmt.Errorf("column %s is of a type that this client does not read", of.name)
		}
		columns = append(columns, of)
	}
	return columns, nil
}

func (s *summary) add(columns []column, batch flat, body []byte) error {
	rows := int(batch.number(0, 8))
	nodes, buffers := batch.vector(1, 16), batch.vector(2, 16)
	next := func() []byte {
		if len(buffers) == 0 {
			bad("a batch has too few buffers")
		}
		from, length := little.Uint64(buffers), little.Uint64(buffers[8:])
		buffers = buffers[16:]
		if from > uint64(len(body)) || length > uint64(len(body))-from {
			bad("a buffer lies outside of its batch")
		}
		return body[from : from+length]
	}
	s.Rows += int64(rows)
	for _, each := range columns {
		if len(nodes) < 16 {
			bad("a batch has too few columns")
		}
		nulls := little.Uint64(nodes[8:])
		nodes = nodes[16:]
		validity, data := next(), next()
		if each.kind == arrowUtf8 {
			next()
			if rows > 0 {
				data = data[:4*(rows+1)]
			}
		} else {
			data = data[:8*rows]
		}
		s.Nulls[each.name] += int64(nulls)
		for row := 0; row < rows; row++ {
			if nulls > 0 && validity[row/8]>>(row%8)&1 == 0 {
				continue
			}
			switch each.kind {
			case arrowInt:
				s.Sums[each.name] += float64(int64(little.Uint64(data[8*row:])))
			case arrowFloat:
				s.Sums[each.name] += math.Float64frombits(little.Uint64(data[8*row:]))
			case arrowUtf8:
				s.Sums[each.name] += float64(int32(little.Uint32(data[4*row+4:])) - int32(little.Uint32(data[4*row:])))
			}
		}
	}
	return nil
}
