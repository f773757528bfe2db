"""Raises in the user code of calls that run in this worker: cancellations, time limits, SIGINT (spec 4.6 and 4.9).

An exception that comes from outside may hit user code alone; in the runtime it would leave something half done. In the
main thread a signal brings it: that also ends a sleep or a read of a socket, and its handler sees where it hits. In the
runtime's own code it comes back a moment later; waits of the runtime are left as Ctrl-C leaves them in a driver. Other
threads (of an actor's) get it from the interpreter between two instructions, or in the reactor if they wait there.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from time import monotonic
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from bowstring import _interrupts
from bowstring.errors import BowstringError, TaskTimeoutError, exception_from_record, make_record

if TYPE_CHECKING:
    from bowstring._call import Call
    from bowstring._executor import Executor

SIGNAL = signal.SIGURG  # ignored by default, so a process that has no handler yet, or a child of the user's, lives on
DEAF_S = 1.0  # user code that does not heed its time limit for so long is ended with its process (spec 4.9/1)


class Interruptions:
    """The calls of one worker that run user code, and what is to be raised in them."""

    def __init__(self, executor: Executor, user_code_starts: frozenset[CodeType]) -> None:
        self._executor = executor
        self._runtime = executor.runtime
        self._starts = user_code_starts
        self._main = threading.main_thread().ident
        self._in_main: Call | None = None
        self._limited: dict[Call, float] = {}  # calls with a time limit that run, and when to look at them
        self._late: set[Call] = set()  # those past their limit
        self._next_look = 0.0

    def install(self) -> None:
        """In the main thread: take the signals."""
        signal.signal(SIGNAL, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def begin(self, call: Call) -> None:
        """User code is about to run in this thread: it may be interrupted from now on.

        Raises:
            BowstringError: it was interrupted before.
        """
        # Who interrupts marks the call before it looks here; the call is marked here before it looks there. So one of
        # the two sees both marks, and a call need not take the lock for it.
        call.interruptible = True
        if call.thread == self._main:
            self._in_main = call
        if call.interruption is not None:
            raise call.interruption
        if call.task.timeout_ms:
            self._limit(call)

    def begin_in_loop(self, call: Call) -> None:
        """As `begin`, for a call that runs as a task of an event loop, which is cancelled there."""
        call.interruptible = True
        if call.interruption is not None:
            raise call.interruption
        if call.task.timeout_ms:
            self._limit(call)

    def end(self, call: Call) -> None:
        """User code is over, or has yielded: what comes from now on, or is on its way, must not hit the runtime."""
        call.interruptible = False
        if self._in_main is call:
            self._in_main = None
        elif call.interruption is not None:
            with self._runtime.lock:
                self._runtime.reactor.interrupts.pop(call.thread, None)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), None)

    def forget(self, call: Call) -> None:
        """Under the lock: a call with a time limit is answered."""
        self._limited.pop(call, None)
        self._late.discard(call)

    def interrupt(self, call: Call, error: BowstringError) -> None:
        """Under the lock: raise `error` in the call's user code, now or when it is about to run."""
        call.interruption = error
        if call.pace is not None:
            call.pace.wake()
        actor = self._executor.actor
        if actor is not None and actor.async_methods is not None:
            actor.async_methods.cancel(call)
            return
        if not call.interruptible or not call.thread:
            return
        if call.thread == self._main:
            signal.pthread_kill(call.thread, SIGNAL)
        elif self._executor.waits(call.thread) or call.thread == threading.get_ident():
            # It waits, or this is the call's own thread, which reads while it waits.
            self._runtime.reactor.interrupt(call.thread, error)
        else:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), ctypes.py_object(type(error)))

    def _on_signal(self, number: int, frame: FrameType | None) -> Any:
        call = self._in_main
        if call is None or (number == SIGNAL and call.interruption is None):
            return
        if _interrupts.hits_runtime(self._runtime.lock, frame, self._starts):
            _interrupts.send_again(number)
        elif number == SIGNAL:
            assert call.interruption is not None
            raise call.interruption
        else:
            raise KeyboardInterrupt

    # Time limits -------------------------------------------------------------------------------------------------

    def _limit(self, call: Call) -> None:
        """Start the clock of a call, unless it runs already."""
        with self._runtime.lock:
            if call in self._limited:
                return
            until = self._limited[call] = monotonic() + call.task.timeout_ms * 1e-3
            if not self._next_look or until < self._next_look:
                self._look_at(until)

    def _look_at(self, until: float) -> None:
        self._next_look = until
        self._runtime.reactor.call_later(max(0.0, until - monotonic()), self._look)

    def _look(self) -> None:
        """Under the lock: interrupt what is past its limit; end the process if that was no use."""
        now = monotonic()
        self._next_look = 0.0
        for call, until in list(self._limited.items()):
            if now < until:
                continue
            if call not in self._late:
                self._late.add(call)
                if call.interruption is None:
                    self.interrupt(call, self._timeout(call))
            elif self._executor.actor is None and call.interruptible:
                self._executor.end_deaf(call, self._timeout(call))
            self._limited[call] = now + DEAF_S
        if self._limited:
            self._look_at(min(self._limited.values()))

    def _timeout(self, call: Call) -> BowstringError:
        seconds = call.task.timeout_ms * 1e-3
        message = f"{self._executor.name_of(call.task)} ran past its limit of {seconds:g} s"
        record = make_record(TaskTimeoutError.code, message, may_have_executed=True, task=call.task.id)
        return exception_from_record(record)
