"""Reads this process's sockets, in whichever thread waits for something (leader and followers).

A thread that waits leads: it polls and processes frames itself, so that an answer costs no hop between threads. Others
that wait meanwhile are followers, and one is promoted when the leader is done. A background thread leads only while
nobody waits: it patrols a few milliseconds behind the last leader, so that a program that submits and waits in turn
never meets it, and blocks in the poll once the process is quiet.

Everything that frames change is guarded by one lock, `Reactor.lock`. User code never runs under it, nor in the leader:
it may wait for a thread that needs the sockets read. What must call out (futures' callbacks, workers' output) goes to a
thread of its own, which starts with its first use.
"""

from __future__ import annotations

import errno
import heapq
import os
import queue
import select
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from bowstring._spinning import Spinner, spin_s
from bowstring_wire.protocol import FrameParser, ProtocolError

RECEIVE_BYTES = 256 << 10  # one read; a batch of a few hundred small frames
PATROL_S = 0.004  # the background thread leads after nobody has for this long (spec 4.4/6 allows 5 ms)
IDLE_POLL_S = 0.2  # upper bound on how long a dropped reference waits for its release in an idle process
POLL_MAX_S = 1.0  # and in one where a thread waits for something else
FLUSH_BYTES = 64 << 10  # buffered output that is written without waiting for a reader
FLUSH_FRAMES = 64
WRITE_BYTES_MAX = 256 << 10  # about what a socket's buffer takes at once
_READABLE = int(select.EPOLLIN)


class Waiter:
    """What one thread waits for: done, or still counting."""

    __slots__ = ("done", "error", "missing", "signal", "value")

    def __init__(self, missing: int = 1) -> None:
        self.missing = missing
        self.done = missing <= 0
        self.value: Any = None
        self.error: BaseException | None = None
        self.signal: threading.Semaphore | None = None  # made by a follower only

    def finish(self) -> None:
        """Under the lock: end the wait."""
        self.done = True
        if self.signal is not None:
            self.signal.release()

    def ready(self, _ref: Any = None) -> None:
        """Under the lock: one of the things that were missing has come."""
        self.missing -= 1
        if self.missing <= 0 and not self.done:
            self.done = True
            if self.signal is not None:
                self.signal.release()


class Connection:
    """One Unix stream socket with its parser and output buffer. All methods are called under the reactor's lock."""

    __slots__ = (
        "broken", "closed", "draining", "fd", "frames", "incarnation", "label", "on_close", "on_frames", "out",
        "out_bytes", "parser", "peer", "reactor", "sequence", "sock", "stuck",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        on_frames: Callable[[Connection, Any], None],
        on_close: Callable[[Connection], None],
        label: str,
        parser: FrameParser | None = None,
    ) -> None:
        sock.setblocking(False)
        self.reactor = reactor
        self.sock = sock
        self.fd = sock.fileno()
        self.parser = parser or FrameParser(handshake_done=True)
        self.on_frames = on_frames
        self.on_close = on_close
        self.label = label
        self.out: deque[bytes | memoryview] = deque()
        self.out_bytes = 0
        self.stuck = False
        self.draining: list[Any] = []  # whose `finish` is called when the socket takes more
        self.closed = False
        self.peer = 0
        self.broken: BaseException | None = None  # why it ended, if one side has broken the protocol
        self.incarnation = -1  # of the actor that the peer called last, and that call's sequence
        self.sequence = -1
        reactor.add(self)

    def send(self, data: bytes) -> None:
        """Buffer a frame; written when a thread waits, or the buffer has grown."""
        out = self.out
        if not out:
            reactor = self.reactor
            reactor.dirty.append(self)
            if reactor.asleep:
                reactor.rouse()
        out.append(data)
        self.out_bytes += len(data)
        if self.out_bytes > FLUSH_BYTES or len(out) >= FLUSH_FRAMES:
            self.flush()

    def send_now(self, data: bytes) -> None:
        """Write a frame at once, behind what is buffered."""
        if self.out or self.closed:
            self.out.append(data)
            self.out_bytes += len(data)
            self.flush()
        else:
            self._write(data)

    def flush(self) -> None:
        if self.stuck or self.closed:
            return
        while self.out and not self.stuck:
            data = self._next_write()
            self.out_bytes -= len(data)
            self._write(data)

    def _write(self, data: bytes | memoryview) -> None:
        """Write at once; what the socket does not take waits until it is writable."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The peer's end is seen by reading: what it sent before must still be read.
            self.out.clear()
            self.out_bytes = 0
            return
        if sent < len(data):
            self.out.appendleft(memoryview(data)[sent:])
            self.out_bytes += len(data) - sent
            self.stuck = True
            self.reactor.poller.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)

    def _next_write(self) -> bytes | memoryview:
        """Take what the next write is tried with; of a long backlog only so much that joining it stays cheap."""
        out = self.out
        if len(out) == 1:
            return out.popleft()
        if self.out_bytes <= WRITE_BYTES_MAX:
            data = b"".join(out)
            out.clear()
            return data
        parts = [out.popleft()]
        size = len(parts[0])
        while out and size < WRITE_BYTES_MAX:
            parts.append(out.popleft())
            size += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def on_event(self, events: int) -> None:
        """Write what waits, if the socket takes it again; read once and process the frames."""
        if events != _READABLE:
            if events & select.EPOLLOUT and self.stuck:
                self.stuck = False
                self.flush()
                if not self.stuck and not self.closed:
                    self.reactor.poller.modify(self.fd, select.EPOLLIN)
                    while self.draining:
                        self.draining.pop().finish()
            if not events & ~select.EPOLLOUT:
                return
        reactor = self.reactor
        try:
            size = self.sock.recv_into(reactor.received)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ECONNRESET:
                raise
            size = 0
        # One buffer for all reads: a fresh one of this size costs 20 us, most of it in page faults.
        data = bytes(reactor.received_view[:size])
        if not data:
            self.close()
            return
        try:  # as `_process`, without a call on the way of what has come
            self.on_frames(self, self.parser.feed(data))
        except Exception as error:
            self._fail(error)

    def _process(self, data: bytes) -> None:
        try:
            self.on_frames(self, self.parser.feed(data))
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, ProtocolError):
            # A defect of ours must not take the thread that reads for everybody with it.
            traceback.print_exc()
            error = ProtocolError(f"{self.label}: {type(error).__name__}: {error}")
        self.reactor.broken(self, error)

    def drain(self) -> None:
        """Read all that the peer sent before it ended."""
        while not self.closed:
            try:
                self.sock.setblocking(False)
                data = self.sock.recv(RECEIVE_BYTES)
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._process(data)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.out.clear()
        self.reactor.remove(self)
        self.sock.close()
        self.on_close(self)


class Reactor:
    """See the module's docstring."""

    def __init__(self, broken: Callable[[Connection, ProtocolError], None], drain_dropped: Callable[[], None]) -> None:
        self.lock = threading.RLock()
        self.poller = select.epoll()
        self.spinner = Spinner(self.poller.poll, spin_s())
        self.handlers: dict[int, Callable[[int], None]] = {}
        self.dirty: list[Connection] = []
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._caller: threading.Thread | None = None
        self.broken = broken
        self._drain_dropped = drain_dropped
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self.asleep = False  # the leader waits in its poll, and nobody has woken it yet
        self.interrupts: dict[int, BaseException] = {}  # by thread
        self._leadership = threading.Lock()
        self._leader = 0  # the thread that leads
        self._followers: deque[Waiter] = deque()
        self._background_leads = False
        self._background_sleeps = threading.Event()
        self._background_deep = False
        self._leads = 0
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.poller.register(self._wake, select.EPOLLIN)
        self.handlers[self._wake] = self._on_wake
        self.closing = False
        self.forgotten: BaseException | None = None  # why nothing can be waited for in a forked child
        self.received = bytearray(RECEIVE_BYTES)
        self.received_view = memoryview(self.received)
        self._thread: threading.Thread | None = None

    # Sockets and timers ------------------------------------------------------------------------------------------

    def add(self, connection: Connection) -> None:
        self.watch(connection.fd, connection.on_event)

    def watch(self, fd: int, handler: Callable[[int], None]) -> None:
        self.handlers[fd] = handler
        self.poller.register(fd, select.EPOLLIN)

    def remove(self, connection: Connection) -> None:
        self.unwatch(connection.fd)

    def unwatch(self, fd: int) -> None:
        if self.handlers.pop(fd, None) is not None:
            try:
                self.poller.unregister(fd)
            except (OSError, ValueError):
                pass

    def call_later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Under the lock: run `action` under the lock after `delay_s`."""
        self._timer_count += 1
        due = monotonic() + delay_s
        first = not self._timers or due < self._timers[0][0]
        heapq.heappush(self._timers, (due, self._timer_count, action))
        if first and self.asleep:
            self.rouse()

    def wake(self) -> None:
        try:
            os.eventfd_write(self._wake, 1)
        except (BlockingIOError, OSError):
            pass

    def rouse(self) -> None:
        """Under the lock: have the leader, who waits in its poll, see to what another thread has left to be done."""
        self.asleep = False
        self.wake()

    def _on_wake(self, _events: int) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass

    def flush(self) -> None:
        """Under the lock: write what is buffered."""
        dirty = self.dirty
        while dirty:
            dirty.pop().flush()

    def interrupt(self, thread: int, error: BaseException) -> None:
        """Under the lock: raise `error` in a thread that waits here, or is processing frames right now."""
        self.interrupts[thread] = error
        for follower in self._followers:
            if follower.signal is not None:
                follower.signal.release()

    def _raise_interrupt(self) -> None:
        error = self.interrupts.pop(threading.get_ident(), None)
        if error is not None:
            raise error

    # Leading -----------------------------------------------------------------------------------------------------

    def poll_once(self, timeout_s: float | None) -> None:
        """As the leader: run what is due, flush, wait for frames, process them."""
        with self.lock:
            timeout_s = self.before_poll(timeout_s)
        events = self._poll(timeout_s)
        with self.lock:  # as `process`, without a call on the way of what has come
            self.asleep = False
            handlers = self.handlers
            for fd, event in events:
                handler = handlers.get(fd)
                if handler is not None:
                    handler(event)

    def before_poll(self, timeout_s: float | None) -> float:
        """Under the lock: run what is due, write what is buffered; returns how long to wait at most."""
        self._drain_dropped()
        wait_s = POLL_MAX_S if timeout_s is None or timeout_s > POLL_MAX_S else timeout_s
        if self._timers:
            wait_s = self._run_timers(wait_s)
        if self.dirty:
            self.flush()
        self.asleep = True
        return wait_s

    def process(self, events: list[tuple[int, int]]) -> None:
        """As the leader: handle what the poller told."""
        with self.lock:
            self.asleep = False
            for fd, event in events:
                handler = self.handlers.get(fd)
                if handler is not None:
                    handler(event)

    def _run_timers(self, timeout_s: float) -> float:
        """Run what is due; the time until the next timer, or `timeout_s` if that is shorter.

        Before the poll, not after it: what came in is handed on without this.
        """
        timers, now = self._timers, monotonic()
        while timers and timers[0][0] <= now:
            heapq.heappop(timers)[2]()
        if not timers:
            return timeout_s
        return min(timeout_s, max(0.0, timers[0][0] - now))

    def _poll(self, timeout_s: float) -> list[tuple[int, int]]:
        """Wait for events. Ctrl-C raises only here and in `_sleep`: what was not handled is reported again."""
        return self.spinner.poll(timeout_s)

    @staticmethod
    def _sleep(signal: threading.Semaphore, timeout_s: float | None) -> bool:
        return signal.acquire(timeout=timeout_s)

    # Calling out -------------------------------------------------------------------------------------------------

    def call_out(self, action: Callable[[], None]) -> None:
        """Under the lock: run `action` in the thread for what may wait, in turn."""
        self._calls.put(action)
        if self._caller is None:
            thread = threading.Thread(target=self._call, name="bowstring-callbacks", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # Python 3.12 starts no thread while the interpreter ends: `close` calls instead
            self._caller = thread

    def _call(self) -> None:
        while (action := self._calls.get()) is not None:
            try:
                action()
            except BaseException:
                sys.excepthook(*sys.exc_info())  # of one callback; the others are still to be called

    def wait(self, waiter: Waiter, deadline: float | None = None) -> bool:
        """Wait until `waiter` is done; False if `deadline` (monotonic seconds) came first."""
        if waiter.done:
            return True
        if self.forgotten is not None:
            raise self.forgotten
        if self._leadership.acquire(False):
            return self._lead(waiter, deadline)
        if self._leader == threading.get_ident():
            # A signal's handler runs inside the leader's poll, and waits in its turn.
            return self._poll_until(waiter, deadline)
        return self._follow(waiter, deadline)

    def _lead(self, waiter: Waiter, deadline: float | None) -> bool:
        """With the leadership taken: lead until done, then hand it on."""
        self._leader = threading.get_ident()
        try:
            return self._poll_until(waiter, deadline)
        finally:
            self.stop_leading()

    def try_lead(self) -> bool:
        """For an event loop: take the leadership for one `poll_once`, if it is free; give it back right after."""
        if not self._leadership.acquire(False):
            return False
        self._leader = threading.get_ident()
        return True

    def stop_leading(self) -> None:
        """Hand the leadership on."""
        self._leader = 0
        self._leads += 1
        self._leadership.release()
        if self._followers:
            self._promote()
        elif self._background_deep:
            self._background_sleeps.set()

    @contextmanager
    def following(self, waiter: Waiter) -> Iterator[bool]:
        """For an event loop that found somebody leading: be among the followers; True: the leadership is free now."""
        self._followers.append(waiter)
        try:
            if self._background_leads:
                self.wake()
            yield not self._leadership.locked()
        finally:
            self._followers.remove(waiter)
            if self._followers and not self._leadership.locked():
                self._promote()

    def _poll_until(self, waiter: Waiter, deadline: float | None) -> bool:
        while not waiter.done:
            left = None
            if deadline is not None:
                left = deadline - monotonic()
                if left <= 0:
                    return False
            self.poll_once(left)
            if self.interrupts:
                self._raise_interrupt()
        return True

    def _promote(self) -> None:
        try:
            follower = self._followers[0]
        except IndexError:
            return
        if follower.signal is not None:
            follower.signal.release()

    def _follow(self, waiter: Waiter, deadline: float | None) -> bool:
        with self.lock:
            if waiter.done:
                return True
            waiter.signal = threading.Semaphore(0)
            if self.dirty:
                self.flush()
        self._followers.append(waiter)
        try:
            while not waiter.done:
                if self.interrupts:
                    self._raise_interrupt()
                if self._leadership.acquire(False):
                    self._followers.remove(waiter)
                    try:
                        return self._lead(waiter, deadline)
                    finally:
                        self._followers.append(waiter)
                if self._background_leads:
                    self.wake()
                timeout = None if deadline is None else max(0.0, deadline - monotonic())
                if not self._sleep(waiter.signal, timeout) and deadline is not None and monotonic() >= deadline:
                    return waiter.done
            return True
        finally:
            self._followers.remove(waiter)
            if self._followers and not self._leadership.locked():
                self._promote()

    # The background thread ---------------------------------------------------------------------------------------

    def start_background(self) -> None:
        self._thread = threading.Thread(target=self._patrol, name="bowstring-io", daemon=True)
        self._thread.start()

    def _patrol(self) -> None:
        still = 0
        while not self.closing:
            leads = self._leads
            if self._leadership.locked():
                # Somebody leads. After a while of that, sleep until it ends.
                still += 1
                if still > 50:
                    self._background_deep = True
                    self._background_sleeps.wait(1.0)
                    self._background_sleeps.clear()
                    self._background_deep = False
                else:
                    self._background_sleeps.wait(PATROL_S)
                continue
            still = 0
            self._background_sleeps.wait(PATROL_S)
            if self._leads != leads or self.closing:
                with self.lock:
                    if self.dirty and not self._leadership.locked():
                        self.flush()
                continue
            if not self._leadership.acquire(False):
                continue
            self._background_leads = True
            self._leader = threading.get_ident()
            try:
                while not self._followers and not self.closing:
                    self.poll_once(IDLE_POLL_S)
            finally:
                self._background_leads = False
                self._leader = 0
                self._leadership.release()
                if self._followers:
                    self._promote()

    def forget(self, error: BaseException) -> None:
        """In a forked child, where the threads are not: close our copies of the sockets; who waits gets `error`."""
        self.forgotten = error
        locks: tuple[Any, ...] = (self.lock, self._leadership)
        for lock in locks:
            lock._at_fork_reinit()  # as the standard library does with its own
        self.poller.close()
        handlers, self.handlers = self.handlers, {}
        for fd, handler in handlers.items():
            connection = getattr(handler, "__self__", None)
            try:
                if isinstance(connection, Connection):
                    connection.closed = True
                    connection.sock.close()
                else:
                    os.close(fd)
            except OSError:
                pass

    def close(self) -> None:
        """Stop the threads and close every socket of the poller. Leaders see `closing` and end."""
        self.closing = True
        self._calls.put(None)
        if self._caller is None:
            self._call()
        elif self._caller is not threading.current_thread():
            self._caller.join(5)
        self._background_sleeps.set()
        self.wake()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
        self.poller.close()
        os.close(self._wake)
