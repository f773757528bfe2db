"""One connection: frames in, frames out, and nothing that blocks.

Output is gathered and written at the end of a turn of the loop, so that the answers to a batch leave with one system
call. A peer that does not read is no longer read from until it does (its requests make the output); pushed frames are
then dropped where that is allowed; at a last bound the connection is cut.
"""

from __future__ import annotations

import contextlib
import socket
import traceback
from collections import deque
from collections.abc import Callable
from struct import error as StructError

from bowstring_core import limits
from bowstring_core.machine.transitions import TransitionError
from bowstring_core.node import loop as loops
from bowstring_core.node.errors import RequestError, error_record
from bowstring_wire.flat import Message
from bowstring_wire.messages import ErrorCode, FrameType, GoAway
from bowstring_wire.protocol import (
    BODY_BYTES_MAX,
    MARK,
    METADATA_BYTES_MAX,
    PREFIX,
    FrameParser,
    ProtocolError,
    padded,
)


class FrameTooLarge(Exception):
    """What would be sent is more than a frame may carry."""


class Connection:
    """A socket with a peer.

    Args:
        loop: Where it is watched.
        sock: A connected socket; made non-blocking here.
        on_frame: Called with (connection, type, metadata, body) for each frame. A ProtocolError or TransitionError that
            it lets out ends the connection with GoAway (PROTOCOL).
        on_closed: Called once, when nothing more will come.
    """

    __slots__ = (
        "_dirty",
        "_events",
        "_loop",
        "_on_closed",
        "_out",
        "_sock",
        "closed",
        "closing",
        "fd",
        "log",
        "on_frame",
        "out_bytes",
        "parser",
        "peer",
    )

    def __init__(
        self,
        loop: loops.Loop,
        sock: socket.socket,
        on_frame: Callable[[Connection, int, bytes, bytes], None],
        on_closed: Callable[[Connection], None],
        log: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)
        self._loop, self._sock, self.on_frame, self._on_closed, self.log = loop, sock, on_frame, on_closed, log
        self.fd = sock.fileno()
        self.parser = FrameParser()
        self.peer: object = None
        self._out: deque[bytes | memoryview] = deque()
        self.out_bytes = 0
        self._dirty = False
        self.closed = self.closing = False
        self._events = loops.READ
        loop.watch(self.fd, self._events, self._on_events)

    # Out --------------------------------------------------------------------------------------------------------------

    def send(self, kind: int, message: Message, body: bytes = b"") -> None:
        """Queue a frame; it leaves at the end of this turn of the loop."""
        self.send_raw(kind, message.encode(), body)

    def send_raw(self, kind: int, metadata: bytes, body: bytes = b"") -> None:
        """Queue a frame whose metadata is encoded already."""
        if self.closed or self.closing:
            return
        if len(body) & 7:
            body = padded(body)
        if len(body) > BODY_BYTES_MAX or len(metadata) > METADATA_BYTES_MAX:
            raise FrameTooLarge(f"frame type {kind}: {len(metadata)} + {len(body)} bytes")
        head = PREFIX.pack(len(metadata), kind, 0, MARK, len(body)) + metadata
        if len(body) <= limits.JOIN_BYTES_MAX:
            self._out.append(head + body)
        else:
            self._out.append(head)
            self._out.append(body)
        self.out_bytes += len(head) + len(body)
        if self.out_bytes > limits.OUTPUT_BYTES_MAX:
            self.log(f"connection {self.fd}: {self.out_bytes} bytes are unread, cut off")
            self.close()
        elif not self._dirty:
            self._dirty = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what the socket takes now."""
        self._dirty = False
        if self.closed:
            return
        out = self._out
        try:
            while out:
                if len(out) == 1:
                    sent = self._sock.send(out[0])
                else:
                    pieces = [out[i] for i in range(min(len(out), limits.SEND_PIECES_MAX))]
                    sent = self._sock.sendmsg(pieces)
                self.out_bytes -= sent
                while sent:
                    piece = out[0]
                    if sent >= len(piece):
                        sent -= len(piece)
                        out.popleft()
                    else:
                        out[0] = memoryview(piece)[sent:]
                        sent = 0
        except BlockingIOError:
            pass
        except OSError:
            # What the peer had sent before it went is still to be read: the end is found by reading.
            self._out.clear()
            self.out_bytes = 0
        if self.closing and not out:
            self.close()
            return
        self._wait_for()

    def _wait_for(self) -> None:
        events = loops.WRITE if self._out else 0
        reading = self._events & loops.READ
        paused = self.out_bytes > (limits.OUTPUT_PAUSE_BYTES if reading else limits.OUTPUT_PAUSE_BYTES // 2)
        if not paused and not self.closing:
            events |= loops.READ
        if events != self._events:
            self._events = events
            self._loop.change(self.fd, events)

    # In ---------------------------------------------------------------------------------------------------------------

    def _on_events(self, events: int) -> None:
        if events & loops.WRITE:
            self.flush()
        if self.closed:
            return
        if events & loops.READ and not self.closing:
            self.read_once()
        elif events & loops.HANGUP:
            if self.closing:
                self.close()
            else:
                self.drain()
                self.close()

    def read_once(self) -> bool:
        """Read and handle what one system call brings; False: there is no more now, or ever."""
        try:
            data = self._sock.recv(limits.READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        try:
            for kind, metadata, body in self.parser.feed(data):
                self.on_frame(self, kind, metadata, body)
                if self.closed or self.closing:
                    return False
        except (ProtocolError, TransitionError, StructError) as error:
            self.log(f"connection {self.fd}: {error}")
            self.go_away(ErrorCode.PROTOCOL, str(error))
            return False
        except RequestError as error:
            self.go_away(error.code, error.message)
            return False
        except Exception as error:
            # A defect of ours. The frames behind this one are lost, so the connection can't go on.
            self.log("".join(traceback.format_exception(error)))
            self.go_away(ErrorCode.INTERNAL, f"a defect in the node: {type(error).__name__}: {error}")
            return False
        return True

    def drain(self) -> None:
        """Read and handle all that the peer had sent."""
        while not self.closed and not self.closing and self.read_once():
            pass

    # End --------------------------------------------------------------------------------------------------------------

    def go_away(self, code: ErrorCode, message: str) -> None:
        """Say why, and close once that is written; what the peer still sends is not read."""
        if self.closed or self.closing:
            return
        self.send(FrameType.GO_AWAY, GoAway(error_record(code, message)))
        self.closing = True
        on_closed, self._on_closed = self._on_closed, _nothing
        self.flush()
        if not self.closed:
            self._loop.call_later(limits.GO_AWAY_S, self.close)
        on_closed(self)

    def close(self) -> None:
        """Close now; what is queued is lost."""
        if self.closed:
            return
        self.closed = True
        self._loop.unwatch(self.fd)
        with contextlib.suppress(OSError):
            self._sock.close()
        self._out.clear()
        on_closed, self._on_closed = self._on_closed, _nothing
        on_closed(self)


def _nothing(connection: Connection) -> None:
    pass
