"""Ctrl-C in a driver: KeyboardInterrupt comes where nothing of the runtime is left half done.

Python raises KeyboardInterrupt between any two instructions of the main thread, and the main thread may be reading
frames: a result that was taken from the socket and not yet handed on would be lost, and who waits for it would wait for
ever. So while a runtime runs, the handler looks where it hits. In the user's code, in a wait and in a call that is
being put together it raises at once; anywhere else in this package it lets the main thread go on, and comes again a
moment later. Swapping handlers around each critical part would cost 9 us a call; this costs nothing until somebody
presses the keys.

A handler of the user's own is left in place.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from types import CodeType, FrameType
from typing import Any

from bowstring import _ids, _pickling, _runtime, _spinning, _tasks, _values, remote_function
from bowstring._reactor import Reactor

_PYTHONS = signal.default_int_handler
AGAIN_S = 0.002  # the next look, after one that hit the runtime
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_WAITS = frozenset((Reactor._poll.__code__, Reactor._sleep.__code__))
# What runs here without the lock has told nobody anything yet: a call in the making is dropped whole, and events that
# nobody has seen are told again.
_STATELESS = frozenset(module.__file__ for module in (_ids, _pickling, _spinning, _tasks, _values, remote_function))


def install() -> None:
    """From now on, interrupt with care; only in the main thread, and only instead of Python's own handler.

    `asyncio.run` puts a handler of its own in place of Python's, and Python's back: it knows that one by its name in
    `signal`, which is ours meanwhile.
    """
    if _in_main_thread() and signal.default_int_handler is _PYTHONS:
        signal.default_int_handler = _on_interrupt
        if signal.getsignal(signal.SIGINT) is _PYTHONS:
            signal.signal(signal.SIGINT, _on_interrupt)


def uninstall() -> None:
    """Put Python's own handler back, if ours is still in place."""
    if _in_main_thread() and signal.default_int_handler is _on_interrupt:
        signal.default_int_handler = _PYTHONS
        if signal.getsignal(signal.SIGINT) is _on_interrupt:
            signal.signal(signal.SIGINT, _PYTHONS)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _on_interrupt(number: int, frame: FrameType | None) -> Any:
    runtime = _runtime.current_runtime_or_none()
    if runtime is None or not hits_runtime(runtime.lock, frame):
        return _PYTHONS(number, frame)
    send_again(number)
    return None


def send_again(number: int) -> None:
    """Let the signal come to the main thread again in a moment."""
    main = threading.main_thread().ident
    assert main is not None
    try:
        # Not by `threading`: the signal may have hit the main thread while it holds a lock of that module.
        _thread.start_new_thread(_send_later, (main, number))
    except RuntimeError:
        pass  # the interpreter ends


def _send_later(thread: int, number: int) -> None:
    time.sleep(AGAIN_S)
    signal.pthread_kill(thread, number)


def hits_runtime(lock: Any, frame: FrameType | None, user_code_starts: frozenset[CodeType] = frozenset()) -> bool:
    """True if an exception raised now would leave the runtime half-way.

    `user_code_starts`: code of the runtime that does nothing but call user code, and takes what it raises.
    """
    if lock._is_owned():
        return True
    while frame is not None:
        code = frame.f_code
        if code in user_code_starts:
            return False
        if code.co_filename.startswith(_PACKAGE):
            return code not in _WAITS and code.co_filename not in _STATELESS
        frame = frame.f_back
    return False
