"""Functions between frontends and the function table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bowstring_core.machine import functions
from bowstring_core.node.object_service import checked_all
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import ErrorCode, FrameType, Function, FunctionGet, FunctionPut, Role
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

_NO_KEY = bytes(16)


class FunctionService:
    """Handlers of the function frames, and the performer of the table's effects."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.table = functions.FunctionTable()
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        node.handle(FrameType.FUNCTION_PUT, FunctionPut, frontends, self._put)
        node.handle(FrameType.FUNCTION_GET, FunctionGet, frontends, self._get)

    def _put(self, peer: Peer, message: FunctionPut, body: bytes) -> None:
        if message.key == _NO_KEY:
            raise ProtocolError("FunctionPut.key is all zero")
        if not message.language:
            raise ProtocolError("FunctionPut.language is not set")
        if not message.length <= len(body) < message.length + 8:
            raise ProtocolError(f"a blob of {message.length} bytes in a body of {len(body)}")
        function = functions.FunctionEntry(
            message.key,
            message.language,
            message.module,
            message.name,
            message.signature,
            body,
            message.length,
            checked_all(message.contains),
        )
        self.perform(self.table.put(function, peer.job))

    def _get(self, peer: Peer, message: FunctionGet, body: bytes) -> None:
        if message.key == _NO_KEY:
            raise ProtocolError("FunctionGet.key is all zero")
        self.perform(self.table.get(peer.process, message.request, message.key, self._node.loop.now))

    def perform(self, effects: Iterable[functions.Effect]) -> None:
        """Carry out what the table decided."""
        objects = self._node.objects
        for effect in effects:
            match effect:
                case functions.Told():
                    peer = self._node.peers.get(effect.process)
                    if peer is not None:
                        f = effect.function
                        told = Function(effect.request, f.key, f.language, f.module, f.name, f.signature, f.length)
                        peer.send(FrameType.FUNCTION, told, f.blob)
                case functions.NotFound():
                    peer = self._node.peers.get(effect.process)
                    if peer is not None:
                        peer.fail(effect.request, ErrorCode.FUNCTION_NOT_FOUND, effect.message)
                case functions.Hold():
                    objects.directory.hold(effect.refs)
                case functions.Release():
                    objects.perform(objects.directory.release(effect.refs))
        self._node.arm()
