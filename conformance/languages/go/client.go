package main

// A driver: submits tasks to workers that it leases, and reads their results (spec chapters 2 to 4 and 6).
//
// One call at a time, so a lease has one task in flight. A task that a worker gives back was not started, and is sent to
// another lease; one whose worker ends is not tried again: max_retries is 0.

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const returnsMax = 100 // of one task; more are a defect

// function is one that workers find by name (spec section 4.1).
type function struct {
	language                int
	module, name, signature string
}

func (f function) key() []byte {
	data := []byte{byte(f.language)}
	for _, part := range []string{f.module, f.name, f.signature, ""} {
		data = little.AppendUint64(data, uint64(len(part)))
		data = append(data, part...)
	}
	return blake2b(data)
}

type worker struct {
	lease uint64
	epoch int
	conn  net.Conn
}

type client struct {
	identity
	node     net.Conn
	root     []byte // the id of this driver's root task
	children uint32
	requests uint64
	known    map[string]bool
	workers  map[int]*worker
	peers    map[string]net.Conn
}

func open(session string, pythonPath, classPath []string) (*client, error) {
	token, err := os.ReadFile(filepath.Join(session, "token"))
	if err != nil {
		return nil, err
	}
	c := &client{known: map[string]bool{}, workers: map[int]*worker{}, peers: map[string]net.Conn{}}
	var random [16]byte
	if _, err = rand.Read(random[:]); err != nil {
		return nil, err
	}
	process := little.Uint64(random[:]) | 1 // any number but 0 names this process
	c.identity = identity{token: token, process: process, pythonPath: pythonPath, classPath: classPath}
	c.workingPath, _ = os.Getwd()
	if c.node, err = connect(filepath.Join(session, "node.sock"), &c.identity); err != nil {
		return nil, err
	}
	c.root = make([]byte, 16) // job, 8 random bytes, 0
	little.PutUint32(c.root, uint32(c.job))
	copy(c.root[4:12], random[8:])
	return c, nil
}

func (c *client) close() {
	for _, peer := range c.peers {
		peer.Close()
	}
	c.node.Close()
}

func (c *client) request() uint64 {
	c.requests++
	return c.requests
}

// nextTask names a child of the root (spec section 2.1).
func (c *client) nextTask() []byte {
	c.children++
	id := append([]byte{}, c.root[:4]...)
	id = append(id, blake2b(append(append([]byte{}, c.root...), 0, 0, 0, 0))[:8]...)
	return little.AppendUint32(id, c.children)
}

// fromNode reads the node's next frame that is for the caller; what else it says is dealt with here.
func (c *client) fromNode() (frame, error) {
	for {
		f, err := readFrame(c.node)
		if err != nil {
			return f, err
		}
		switch f.kind {
		case leaseGrant, leaseEnded, objectValue, failure:
			return f, nil
		case leaseRecall:
			for language, each := range c.workers {
				if each.lease == f.meta.number(0, 8) {
					err = c.giveBack(language)
				}
			}
		case inspect: // there is nothing to look at: the specification lets a frontend say so
			record := []any{invalidArgument, other, 0, 0, os.Getpid(), 0, nil, "this client keeps no such thing"}
			err = writeFrame(c.node, failure, encode(failed, []any{f.meta.number(0, 8), record}), nil)
		case goAway:
			record, _ := f.meta.table(0)
			return f, readError(record)
		}
		if err != nil {
			return f, err
		}
	}
}

func (c *client) giveBack(language int) error {
	back := c.workers[language]
	delete(c.workers, language)
	return writeFrame(c.node, leaseReturn, encode(leaseBack, []any{back.lease}), nil)
}

// leased is a worker of a language, leased now or before.
func (c *client) leased(language int) (*worker, error) {
	if known := c.workers[language]; known != nil {
		return known, nil
	}
	number := c.request()
	cpu := [][]any{{"CPU", 10_000}}
	asked := encode(lease, []any{number, language, 1, 1, "", nil, cpu, ""})
	if err := writeFrame(c.node, leaseRequest, asked, nil); err != nil {
		return nil, err
	}
	for {
		f, err := c.fromNode()
		if err != nil {
			return nil, err
		}
		if f.kind == failure {
			record, _ := f.meta.table(1)
			return nil, readError(record)
		}
		if f.kind != leaseGrant || f.meta.number(0, 8) != number {
			continue
		}
		address := f.meta.text(5)
		if c.peers[address] == nil {
			if c.peers[address], err = connect(address, &c.identity); err != nil {
				return nil, err
			}
		}
		granted := &worker{f.meta.number(1, 8), int(f.meta.number(3, 4)), c.peers[address]}
		c.workers[language] = granted
		return granted, nil
	}
}

// object is a result: its value, or where the value can be asked for.
type object struct {
	id       []byte
	encoding int
	inline   []byte // a payload in the COMPACT layout
	stored   bool
}

func (c *client) wireRef(id []byte) []byte {
	out := append(append([]byte{}, id...), 0, 0, 0, 0)
	out = little.AppendUint64(out, c.process)
	return little.AppendUint64(out, c.identity.node)
}

// call runs a function on values and objects, and waits for its result.
func (c *client) call(f function, arguments ...any) (*object, error) {
	key := f.key()
	if !c.known[string(key)] {
		c.known[string(key)] = true
		told := encode(put, []any{key, f.language, f.module, f.name, f.signature})
		if err := writeFrame(c.node, functionPut, told, nil); err != nil {
			return nil, err
		}
	}
	var args, body []byte
	for _, argument := range arguments {
		arg := make([]byte, 56)
		if given, is := argument.(*object); is && given.stored {
			arg[0] = ref
			copy(arg[16:], c.wireRef(given.id))
		} else {
			encoding, payload := portableEncoding, []byte(nil)
			if is {
				encoding, payload = given.encoding, given.inline
			} else {
				payload = pack(nil, argument)
			}
			arg[0], arg[1], arg[2] = value, byte(encoding), compact
			little.PutUint32(arg[4:], uint32(len(body)))
			little.PutUint32(arg[8:], uint32(len(payload)))
			body = append(body, payload...)
			body = append(body, make([]byte, up(len(body), 8)-len(body))...)
		}
		args = append(args, arg...)
	}
	id := c.nextTask()
	for sent := 0; sent < returnsMax; sent++ {
		at, err := c.leased(f.language)
		if err != nil {
			return nil, err
		}
		frame := encode(taskFields, []any{id, key, nil, c.process, c.identity.node, 0, exact, 0, at.epoch, 1, 0, 0, 0, other, args})
		if err := writeFrame(at.conn, task, frame, body); err != nil {
			return nil, err
		}
		answer, err := c.answer(f.language, at, id)
		if err != nil {
			return nil, err
		}
		if answer.kind == result {
			return c.result(id, answer)
		}
		// Returned: it was not started, and goes to another lease as the same attempt.
		if err := c.giveBack(f.language); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("workers gave the task back %d times", returnsMax)
}

// answer waits for a worker's Result, or Returned of the task.
func (c *client) answer(language int, at *worker, id []byte) (frame, error) {
	for {
		answer, err := readFrame(at.conn)
		if err != nil {
			delete(c.workers, language)
			return answer, errors.Join(errors.New("the worker has ended"), err)
		}
		switch {
		case answer.kind == result:
			return answer, nil
		case answer.kind == returned:
			if string(answer.meta.fixed(0, 16)) == string(id) {
				return answer, nil
			}
		case answer.kind < skippableMin:
			return answer, protocolError(fmt.Sprintf("a worker sent a frame of type %d", answer.kind))
		}
	}
}

func (c *client) result(id []byte, f frame) (*object, error) {
	returns := f.meta.vector(4, 16)
	if string(f.meta.fixed(0, 16)) != string(id) || len(returns) != 16 {
		return nil, protocolError("a Result of another task, or of other than one value")
	}
	got := &object{id: append(append([]byte{}, id...), 0, 0, 0, 0), encoding: int(returns[1])}
	if returns[0] == stored {
		got.stored = true
		return got, nil
	}
	from, length := int(little.Uint32(returns[4:])), int(little.Uint32(returns[8:]))
	if from > len(f.body) || length > len(f.body)-from {
		return nil, protocolError("a Result's value lies outside of its body")
	}
	got.inline = f.body[from : from+length]
	if returns[2] == image {
		buffers, err := imageBuffers(got.inline)
		if err != nil {
			return nil, err
		}
		got.inline = buffers[0]
	}
	if got.encoding == errorEncoding {
		return nil, readError(root(got.inline))
	}
	return got, nil
}

// imageBuffers are the buffers of an image (spec section 3.1).
func imageBuffers(data []byte) ([][]byte, error) {
	if len(data) < 8 || int(little.Uint32(data)) > len(data)-8 {
		return nil, protocolError("an image is cut short")
	}
	header := root(data[8 : 8+little.Uint32(data)])
	spans := header.vector(3, 16)
	buffers := make([][]byte, 0, len(spans)/16)
	for ; len(spans) > 0; spans = spans[16:] {
		from, length := little.Uint64(spans), little.Uint64(spans[8:])
		if from%64 != 0 || from > uint64(len(data)) || length > uint64(len(data))-from {
			return nil, protocolError("a buffer lies outside of its image")
		}
		buffers = append(buffers, data[from:from+length])
	}
	if len(buffers) == 0 {
		return nil, protocolError("an image without a buffer")
	}
	return buffers, nil
}

// view gives an object's first buffer to a function: mapped where it lies, if it is in the store.
func (c *client) view(of *object, look func([]byte) error) error {
	if !of.stored {
		return look(of.inline)
	}
	number := c.request()
	asked := encode(get, []any{number, c.wireRef(of.id), 1, other})
	if err := writeFrame(c.node, objectGet, asked, nil); err != nil {
		return err
	}
	f, err := c.fromNode()
	if err != nil {
		return err
	}
	if f.kind != objectValue || f.meta.number(0, 8) != number {
		record, is := f.meta.table(1)
		if f.kind == failure && is {
			return readError(record)
		}
		return protocolError("an answer that was not asked for")
	}
	of.encoding = int(f.meta.number(2, 1)) // a Return need not say it of what is in the store
	location := f.meta.fixed(6, 24)
	from, length := int64(little.Uint64(location[8:])), int(little.Uint64(location[16:]))
	file, err := os.Open(f.meta.text(7))
	if err != nil {
		return err
	}
	defer file.Close()
	page := int64(os.Getpagesize())
	skip := int(from % page)
	mapped, err := syscall.Mmap(int(file.Fd()), from-int64(skip), skip+length, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	defer func() { // nobody looks at the pages any more: the pin ends
		syscall.Munmap(mapped)
		writeFrame(c.node, objectUnpin, encode(unpin, []any{little.AppendUint64(nil, f.meta.number(5, 8))}), nil)
	}()
	buffers, err := imageBuffers(mapped[skip:])
	if err != nil {
		return err
	}
	return look(buffers[0])
}

// read gives an object's value, or a summary if it is an Arrow table.
func (c *client) read(of *object) (v any, err error) {
	defer func() {
		if broken, is := recover().(protocolError); is {
			err = broken
		}
	}()
	err = c.view(of, func(data []byte) (err error) {
		switch of.encoding {
		case arrowEncoding:
			v, err = summarize(data)
		case portableEncoding:
			v = unpack(data)
		case bytesEncoding:
			v = append([]byte{}, data...)
		case errorEncoding:
			err = readError(root(data))
		default:
			err = fmt.Errorf("a value of encoding %d is none that this client reads", of.encoding)
		}
		return
	})
	return
}

// release lets go of an object in the store, of which this process is the holder (spec section 6.1).
func (c *client) release(of *object) error {
	if !of.stored {
		return nil
	}
	of.stored = false
	change := append(c.wireRef(of.id), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
	return writeFrame(c.node, refUpdate, encode(changes, []any{change}), nil)
}
