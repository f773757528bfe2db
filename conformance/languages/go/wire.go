package main

// Connections, frames and the handshake (spec chapter 1).

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
)

const (
	metadataMax = 16 << 20
	bodyMax     = 64 << 20
)

type frame struct {
	kind int
	meta flat
	body []byte
}

// remoteError is an error record (spec chapter 7).
type remoteError struct {
	code                         int
	message, typeName, traceback string
}

func (e *remoteError) Error() string {
	return fmt.Sprintf("%s: %s (code %d)", e.typeName, e.message, e.code)
}

func readError(record flat) *remoteError {
	return &remoteError{int(record.number(0, 2)), record.text(7), record.text(8), record.text(9)}
}

func readFrame(from io.Reader) (f frame, err error) {
	defer func() {
		if broken, is := recover().(protocolError); is {
			err = broken
		}
	}()
	var prefix [16]byte
	if _, err = io.ReadFull(from, prefix[:]); err != nil {
		return
	}
	meta, body := little.Uint32(prefix[:]), little.Uint64(prefix[8:])
	if prefix[7] != protocolMark || prefix[6] != 0 || meta%8 != 0 || body%8 != 0 ||
		meta < 16 || meta > metadataMax || body > bodyMax {
		return f, protocolError(fmt.Sprintf("a frame's prefix is % x", prefix))
	}
	data := make([]byte, int(meta)+int(body))
	if _, err = io.ReadFull(from, data); err != nil {
		return
	}
	if string(data[4:8]) != "BWS1" {
		return f, protocolError("metadata without its identifier")
	}
	return frame{int(little.Uint16(prefix[4:])), root(data[:meta]), data[meta:]}, nil
}

func writeFrame(to io.Writer, kind int, metadata, body []byte) error {
	padded := up(len(body), 8)
	out := make([]byte, 16, 16+len(metadata)+padded)
	little.PutUint32(out, uint32(len(metadata)))
	little.PutUint16(out[4:], uint16(kind))
	out[7] = protocolMark
	little.PutUint64(out[8:], uint64(padded))
	out = append(append(out, metadata...), body...)
	_, err := to.Write(append(out, make([]byte, padded-len(body))...))
	return err
}

// identity is what a Hello says of this process; the job is 0 until the node has told it.
type identity struct {
	token       []byte
	process     uint64
	job         int
	pythonPath  []string
	classPath   []string
	inlineMax   int
	node        uint64
	workingPath string
}

// connect shakes hands; the Welcome's facts go into the identity when it has none yet.
func connect(address string, who *identity) (net.Conn, error) {
	conn, err := net.Dial("unix", address)
	if err != nil {
		return nil, err
	}
	first, err := readFrame(conn)
	if err != nil {
		return nil, err
	}
	if first.kind != challenge {
		return nil, protocolError("the first frame is no Challenge")
	}
	mac := hmac.New(sha256.New, who.token)
	mac.Write([]byte("bowstring-hello"))
	mac.Write(first.meta.vector(2, 1))
	said := encode(helloFields, []any{1, 1, roleDriver, other, os.Getpid(), who.process, 0, 0, who.job, 0, mac.Sum(nil),
		"go", "", "", who.pythonPath, who.classPath, who.workingPath})
	if err = writeFrame(conn, hello, said, nil); err != nil {
		return nil, err
	}
	answer, err := readFrame(conn)
	if err != nil {
		return nil, err
	}
	switch answer.kind {
	case welcome:
		if who.job == 0 {
			who.job = int(answer.meta.number(5, 4))
			who.node, who.inlineMax = answer.meta.number(4, 8), int(answer.meta.number(6, 4))
		}
		return conn, nil
	case goAway:
		if record, is := answer.meta.table(0); is {
			return nil, readError(record)
		}
	}
	return nil, protocolError(fmt.Sprintf("a frame of type %d instead of Welcome", answer.kind))
}
