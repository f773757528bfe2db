"""The zygotes of a node: one for workers without an environment, and one for each environment that needs its own.

An environment needs one if it has variables or installed packages: both must be there before anything is imported. The
zygote of an environment that has had no worker for a while ends; the next worker starts another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bowstring_core import limits
from bowstring_core.node.zygote_link import NO_ENVIRONMENT, Surroundings, ZygoteLink

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

NONE = b""


class Zygotes:
    """Every zygote, by the key of its environment.

    Args:
        node: The node.
        worker_module: What a Python worker runs.
        on_message: Called with what a zygote tells.
        on_death: Called with the zygote that died unasked, whether it had come up, and the last that it wrote.
    """

    def __init__(
        self,
        node: Node,
        worker_module: str,
        on_message: Callable[[ZygoteLink, dict[str, Any]], None],
        on_death: Callable[[ZygoteLink, bool, str], None],
    ) -> None:
        self._node, self._worker_module = node, worker_module
        self._on_message, self._on_death = on_message, on_death
        self._links: dict[bytes, ZygoteLink] = {}
        self._users: dict[bytes, int] = {}  # workers that are there or on their way
        self._idle_since: dict[bytes, float] = {}
        self.main = self._make(NONE, NO_ENVIRONMENT)

    def _make(self, key: bytes, surroundings: Surroundings) -> ZygoteLink:
        link: ZygoteLink = ZygoteLink(
            self._node.loop,
            self._node.session.path,
            self._worker_module,
            lambda message: self._on_message(link, message),
            lambda was_ready, words: self._on_death(link, was_ready, words),
            surroundings,
        )
        self._links[key] = link
        return link

    def take(self, key: bytes, surroundings: Surroundings) -> ZygoteLink:
        """The zygote of an environment, for one more worker; `give_back` follows when that has ended."""
        self._idle_since.pop(key, None)
        self._users[key] = self._users.get(key, 0) + 1
        return self._links.get(key) or self._make(key, surroundings)

    def give_back(self, key: bytes) -> None:
        """A worker has ended, or never came to be."""
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key]
            if key != NONE:
                self._idle_since[key] = self._node.loop.now
                self._node.loop.call_later(limits.IDLE_ZYGOTE_S, self._end_idle_ones)

    def _end_idle_ones(self) -> None:
        for key, since in list(self._idle_since.items()):
            if self._node.loop.now >= since + limits.IDLE_ZYGOTE_S:
                del self._idle_since[key]
                self._links.pop(key).retire()

    def close(self) -> None:
        """End them all, and wait for it."""
        for link in self._links.values():
            link.leave()
        for link in self._links.values():
            link.close()
