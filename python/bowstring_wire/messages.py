"""Messages of the wire, with their canonical codec. Generated from spec/schema; not edited by hand.

Each table is a class with one attribute a field: integers, bool, str, bytes (ids, blobs), tuples (vectors), other
messages (nested tables), or a NamedTuple (structs; inner structs flattened). `encode` writes the canonical layout
(spec section 1.6); `decode` takes any valid FlatBuffers layout and raises ProtocolError for everything else.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import NamedTuple

from bowstring_wire import flat
from bowstring_wire.flat import Message


class ActorLife(IntEnum):
    """An actor's life, as its node tells it."""

    UNSPECIFIED = 0
    # Waits for resources, a worker or its constructor.
    PENDING = 1
    # Takes calls.
    ALIVE = 2
    # Its process has ended; another is being made.
    RESTARTING = 3
    # Over for good.
    DEAD = 4


class Installer(IntEnum):
    """What puts packages into an environment."""

    # Nothing is installed.
    UNSPECIFIED = 0
    PIP = 1
    UV = 2


class ErrorCode(IntEnum):
    """Every error that crosses a process has one of these codes; both languages name their classes after them."""

    UNSPECIFIED = 0
    # User code raised.
    TASK = 1
    # The worker's process ended while it held the task.
    WORKER_CRASHED = 2
    # The actor is dead for good.
    ACTOR_DIED = 3
    # The actor can't be reached now; the call may have run.
    ACTOR_UNAVAILABLE = 4
    # No node can ever hold the actor.
    ACTOR_UNSCHEDULABLE = 5
    # No node can ever run the task.
    TASK_UNSCHEDULABLE = 6
    # The task was cancelled.
    TASK_CANCELLED = 7
    # The task ran past its time limit.
    TASK_TIMEOUT = 8
    # The caller has too many calls pending on an actor.
    PENDING_CALLS_LIMIT = 9
    # The value is lost, for a reason not named below.
    OBJECT_LOST = 10
    # The process that was to produce or keep the value has ended.
    OWNER_DIED = 11
    # The value was freed while a reference to it was still in use.
    OBJECT_FREED = 12
    # The value could not be rebuilt.
    RECONSTRUCTION_FAILED = 13
    # The store can't hold the value.
    OBJECT_STORE_FULL = 14
    # A process used more memory than it may.
    OUT_OF_MEMORY = 15
    # The disk can't hold what must be written.
    OUT_OF_DISK = 16
    # The node has ended.
    NODE_DIED = 17
    # The runtime environment could not be made.
    RUNTIME_ENV_SETUP = 18
    # A value or a call can't cross languages.
    CROSS_LANGUAGE = 19
    # The peer broke this specification.
    PROTOCOL = 20
    # The peer could not prove that it knows the session's token.
    AUTHENTICATION = 21
    # The two sides share no spec version.
    VERSION = 22
    # get() ran out of time.
    GET_TIMEOUT = 23
    # An argument has the wrong type or value.
    INVALID_ARGUMENT = 24
    # No actor has that name.
    ACTOR_NOT_FOUND = 25
    # Another actor has that name.
    ACTOR_NAME_TAKEN = 26
    # The function, class or method can't be found or loaded.
    FUNCTION_NOT_FOUND = 27
    # The runtime is not running, or was shut down.
    RUNTIME_STOPPED = 28
    # A value can't be serialized.
    SERIALIZATION = 29
    # A worker could not be started.
    WORKER_START = 30
    # A defect in the runtime itself.
    INTERNAL = 31
    # The placement group is not there: it was removed, or its job has ended.
    PLACEMENT_GROUP_REMOVED = 32


class Language(IntEnum):
    """The language of a process or a value. Others than these take numbers from 64 on."""

    UNSPECIFIED = 0
    PYTHON = 1
    JAVA = 2
    OTHER = 64


class Encoding(IntEnum):
    """How a value is written. Prose: spec/03-objects.md, sections 3.3 to 3.9."""

    UNSPECIFIED = 0
    ARROW = 1
    TENSOR = 2
    BYTES = 3
    PORTABLE = 4
    PYTHON = 5
    JAVA = 6
    ERROR = 7


class Layout(IntEnum):
    """How the payload of a value is laid out."""

    UNSPECIFIED = 0
    # The payload is buffer 0, and there is no other.
    COMPACT = 1
    # The payload is an object image: ObjectHeader, then buffers aligned to 64 bytes.
    IMAGE = 2


class ElementType(IntEnum):
    """Element type of a tensor or of a long list."""

    UNSPECIFIED = 0
    BOOL = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    UINT8 = 6
    UINT16 = 7
    UINT32 = 8
    UINT64 = 9
    FLOAT16 = 10
    FLOAT32 = 11
    FLOAT64 = 12


class ValueState(IntEnum):
    """What the home is told of a value."""

    UNSPECIFIED = 0
    # Not made yet.
    PENDING = 1
    # The payload is in the frame's body.
    INLINE = 2
    # The image is in the store.
    STORED = 3


class GetMode(IntEnum):
    """Which answer an ObjectGet wants."""

    UNSPECIFIED = 0
    # The value; a stored one is pinned for the asker.
    VALUE = 1
    # Only that the object is ready.
    READY = 2


class PlacementStrategy(IntEnum):
    """How the bundles of a group are spread over nodes."""

    UNSPECIFIED = 0
    # On few nodes, if that can be had.
    PACK = 1
    # On many nodes, if that can be had.
    SPREAD = 2
    # All on one node.
    STRICT_PACK = 3
    # Each on a node of its own.
    STRICT_SPREAD = 4


class PlacementState(IntEnum):
    """Where a group stands."""

    UNSPECIFIED = 0
    # Its resources are not all free yet.
    PENDING = 1
    # Every bundle holds its resources.
    PLACED = 2
    # No node, or set of nodes, that is there can ever hold it; `reason` says why.
    INFEASIBLE = 3


class StateKind(IntEnum):
    """What a StateQuery asks for."""

    UNSPECIFIED = 0
    NODES = 1
    WORKERS = 2
    LEASES = 3
    ACTORS = 4
    OBJECTS = 5
    TASKS = 6
    RESOURCES = 7
    STORE = 8
    # Who keeps which object, and how: a row for each holder.
    HOLDS = 9
    JOBS = 10
    STACKS = 11
    BLOCKERS = 12
    TRACE = 13
    REFERENCES = 14
    PLACEMENT_GROUPS = 15


class FilterOp(IntEnum):
    """How a filter compares."""

    UNSPECIFIED = 0
    EQ = 1
    NE = 2
    LT = 3
    LE = 4
    GT = 5
    GE = 6
    CONTAINS = 7


class InspectKind(IntEnum):
    """What an Inspect asks a frontend for."""

    UNSPECIFIED = 0
    # The tasks that it has submitted, or been sent, and that are not over.
    TASKS = 1
    # The stacks of its threads.
    STACKS = 2
    # The references that it holds.
    REFERENCES = 3


class TaskFlag(IntFlag):
    """Bits of Task.flags."""

    # Send every earlier result before starting this task.
    EXACT = 1
    # Give the home every result too.
    DELIVER_HOME = 2
    # The task is an actor's constructor.
    CREATION = 4
    # The task is an actor's method.
    METHOD = 8
    # A stream that sends only what Credits allow; else it sends all its items at once.
    PACED = 16
    # The worker ends its process after this task.
    RETIRE = 32


class ArgKind(IntEnum):
    """How an argument is passed."""

    UNSPECIFIED = 0
    # A positional argument; the payload is in the body.
    VALUE = 1
    # A positional argument; the value is read from the reference's home.
    REF = 2
    # All arguments in the language's own form, with holes that the entries after it fill in order.
    PACKED = 3


class TaskStatus(IntEnum):
    """How a task ended."""

    UNSPECIFIED = 0
    OK = 1
    # Each result is the error.
    ERROR = 2
    # Each result is a TASK_CANCELLED error.
    CANCELLED = 3


class SpanKind(IntEnum):
    """What a process did for a task besides running its code."""

    UNSPECIFIED = 0
    # It waited for the values of references, or read them.
    GET = 1
    # It wrote a value in the store.
    PUT = 2
    # It waited for some of several references to be ready.
    WAIT = 3
    # It read a task's arguments.
    ARGUMENTS = 4
    # An object came from another node.
    TRANSFER = 5
    # An object was written to disk.
    SPILL = 6
    # An object was read from disk.
    RESTORE = 7


class FrameType(IntEnum):
    """The type field of a frame's prefix; each names the table that is the frame's metadata."""

    UNSPECIFIED = 0
    CHALLENGE = 1
    HELLO = 2
    WELCOME = 3
    GO_AWAY = 4
    ACK = 5
    FAILURE = 6
    LEASE_REQUEST = 16
    LEASE_GRANT = 17
    LEASE_RETURN = 18
    LEASE_REVOKE = 19
    LEASE_REVOKED = 20
    LEASE_ENDED = 21
    LEASE_WITHDRAW = 22
    BLOCKED = 23
    UNBLOCKED = 24
    WORKER_BIND = 25
    LEASE_RECALL = 26
    WORKER_ENDING = 27
    TASK = 32
    RESULT = 33
    CANCEL = 34
    RECALL = 35
    RETURNED = 36
    DELIVER = 37
    STREAM_ITEM = 38
    STREAM_ACK = 39
    STREAM_END = 40
    CREDITS = 41
    OBJECT_PUBLISH = 48
    OBJECT_SEAL = 49
    REF_UPDATE = 50
    REF_HOLD = 51
    OBJECT_GET = 52
    OBJECT_VALUE = 53
    OBJECT_UNPIN = 54
    OBJECT_GET_CANCEL = 55
    EXTENT_ALLOCATE = 56
    EXTENT_GRANT = 57
    SEGMENT_MAPPED = 58
    SEGMENT_DROPPED = 59
    EXTENT_RETURN = 60
    TRANSCODE = 61
    TRANSCODED = 62
    SLAB_RECALL = 63
    FUNCTION_PUT = 72
    FUNCTION_GET = 73
    FUNCTION = 74
    ACTOR_CREATE = 80
    ACTOR_SUBSCRIBE = 81
    ACTOR_STATE = 82
    ACTOR_KILL = 83
    ACTOR_LOOKUP = 84
    ACTOR_INFO = 85
    ACTOR_START = 86
    ACTOR_STARTED = 87
    ACTOR_EXIT = 88
    ACTOR_LOG = 89
    ACTOR_END = 90
    ACTOR_ENDED = 91
    STATE_QUERY = 96
    STATE_REPLY = 97
    TASK_EVENTS = 98
    LOG_LINES = 99
    SHUTDOWN = 100
    INSPECT = 101
    INSPECTED = 102
    PROGRESS = 103
    ENVIRONMENT_MAKE = 112
    ENVIRONMENT_MADE = 113
    PLACEMENT_CREATE = 116
    PLACEMENT_REMOVE = 117
    PLACEMENT_LOOKUP = 118
    PLACEMENT_INFO = 119


class Role(IntEnum):
    """What a process is to its peer."""

    UNSPECIFIED = 0
    NODE = 1
    DRIVER = 2
    WORKER = 3
    TOOL = 4


class CallerMark(NamedTuple):
    """One call of one caller to an actor; or that it and those before it are applied to a state."""

    process: int
    sequence: int


CALLER_MARK = Struct("<Q Q")


class ObjectRef(NamedTuple):
    """A reference to an object, as it travels: 40 bytes."""

    id: bytes
    flags: int
    owner: int
    home: int


OBJECT_REF = Struct("<20s I Q Q")


class Span(NamedTuple):
    """A range of bytes."""

    offset: int
    length: int


SPAN = Struct("<Q Q")


class Location(NamedTuple):
    """Where a sealed image lies in shared memory."""

    segment: int
    flags: int
    offset: int
    length: int


LOCATION = Struct("<I I Q Q")


class RefChange(NamedTuple):
    """One process's hold on one object changed."""

    ref_id: bytes
    ref_flags: int
    ref_owner: int
    ref_home: int
    change: int
    flags: int


REF_CHANGE = Struct("<20s I Q Q i I")


class Arg(NamedTuple):
    """One argument."""

    kind: int
    encoding: int
    layout: int
    flags: int
    offset: int
    length: int
    reserved: int
    ref_id: bytes
    ref_flags: int
    ref_owner: int
    ref_home: int


ARG = Struct("<B B B B I I I 20s I Q Q")


class Return(NamedTuple):
    """One result."""

    state: int
    encoding: int
    layout: int
    flags: int
    offset: int
    length: int
    reserved: int


RETURN = Struct("<B B B B I I I")


class TaskEvent(NamedTuple):
    """One attempt's end, for the log."""

    id: bytes
    function: bytes
    start_ns: int
    duration_ns: int
    attempt: int
    status: int
    language: int
    label: int
    owner: int
    submitted_ns: int


TASK_EVENT = Struct("<16s 16s q Q I B B H Q q")


class TaskSpan(NamedTuple):
    """A stretch of a process's time."""

    task: bytes
    start_ns: int
    duration_ns: int
    size_bytes: int
    kind: int
    flags: int
    reserved: int
    refs: int


TASK_SPAN = Struct("<16s q Q Q B B H I")


class MethodRetries(Message):
    """How often calls of one method are tried again.

    Attributes:
        name: Name of the method.
        max_task_retries: Attempts that may follow a crash in a call, or an error that is tried again; -1: any number.
        retry_exceptions: True: a call that raised is tried again too.
        retried_types: Fully qualified names of the classes of the errors that are tried again; empty: all.
    """

    __slots__ = (
        "name",
        "max_task_retries",
        "retry_exceptions",
        "retried_types",
    )

    def __init__(
        self,
        name: str = "",
        max_task_retries: int = 0,
        retry_exceptions: bool = False,
        retried_types: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.max_task_retries = max_task_retries
        self.retry_exceptions = retry_exceptions
        self.retried_types = retried_types

    def block(self) -> bytes:
        return block_method_retries(self.name, self.max_task_retries, self.retry_exceptions, self.retried_types)

    @staticmethod
    def read(data: bytes, at: int) -> MethodRetries:
        return read_method_retries(data, at)


_METHOD_RETRIES_HEAD = bytes.fromhex("0c001800040008000c0010000000000010000000")
_METHOD_RETRIES_BLOCK = Struct("<20s I i ? 3x I 4x 8x")
_METHOD_RETRIES_FIELDS = Struct("<I i ? 3x I 4x")
_METHOD_RETRIES_SLOTS = (
    None,
    Struct("<i"),
    Struct("<?"),
    None,
)
MethodRetries.START = 16
MethodRetries.ROOT = bytes.fromhex("1800000042575331")


def block_method_retries(
    name: str = "",
    max_task_retries: int = 0,
    retry_exceptions: bool = False,
    retried_types: tuple[str, ...] = (),
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 28
        tail += flat.string_chunk(name)
    else:
        name_at = 20
    if retried_types:
        retried_types_at = len(tail) + 16
        tail += flat.strings_chunk(retried_types)
    else:
        retried_types_at = 8
    return (
        _METHOD_RETRIES_BLOCK.pack(_METHOD_RETRIES_HEAD, name_at, max_task_retries, retry_exceptions, retried_types_at)
        + tail
    )


def read_method_retries(data: bytes, at: int) -> MethodRetries:
    if data[at - 16 : at + 4] == _METHOD_RETRIES_HEAD:
        name, max_task_retries, retry_exceptions, retried_types = _METHOD_RETRIES_FIELDS.unpack_from(data, at + 4)
        name += at + 4
        retried_types += at + 16
    else:
        name, max_task_retries, retry_exceptions, retried_types = flat.table_fields(data, at, _METHOD_RETRIES_SLOTS)
    return MethodRetries(
        flat.read_string(data, name),
        max_task_retries,
        retry_exceptions,
        flat.read_strings(data, retried_types),
    )


class ActorHandle(Message):
    """What a handle is, as it travels inside values and answers.

    Attributes:
        ref: The reference whose life is the actor's: result 0 of the creation task.
        language: Language of the actor.
        max_concurrency: Calls of one caller run in order, one at a time, unless this is more than 1.
        max_task_retries: Attempts that may follow a crash in a call; -1: any number.
        max_pending_calls: Calls that one caller may have pending; -1, as 0: any number.
        module: Python: module. Java: binary name of the class.
        class_name: Python: qualified name of the class. Java: empty.
        class_key: Key of the class.
        num_returns: Methods with more than one result, as "name=3"; others have one.
        methods: Methods whose retries differ from the actor's.
        concurrency_groups: Concurrency groups, as "io=2": so many calls of the group may overlap.
        checkpoint_interval: Calls after which the state is saved, at the latest; 0: never, and calls are not logged (5.4).
        items_ahead: Methods that stream and whose callers let them make so many items ahead, as "name=2"; others make any number.
    """

    __slots__ = (
        "ref",
        "language",
        "max_concurrency",
        "max_task_retries",
        "max_pending_calls",
        "module",
        "class_name",
        "class_key",
        "num_returns",
        "methods",
        "concurrency_groups",
        "checkpoint_interval",
        "items_ahead",
    )

    def __init__(
        self,
        ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        language: int = 0,
        max_concurrency: int = 0,
        max_task_retries: int = 0,
        max_pending_calls: int = 0,
        module: str = "",
        class_name: str = "",
        class_key: bytes = bytes(16),
        num_returns: tuple[str, ...] = (),
        methods: tuple[MethodRetries, ...] = (),
        concurrency_groups: tuple[str, ...] = (),
        checkpoint_interval: int = 0,
        items_ahead: tuple[str, ...] = (),
    ) -> None:
        self.ref = ref
        self.language = language
        self.max_concurrency = max_concurrency
        self.max_task_retries = max_task_retries
        self.max_pending_calls = max_pending_calls
        self.module = module
        self.class_name = class_name
        self.class_key = class_key
        self.num_returns = num_returns
        self.methods = methods
        self.concurrency_groups = concurrency_groups
        self.checkpoint_interval = checkpoint_interval
        self.items_ahead = items_ahead

    def block(self) -> bytes:
        return block_actor_handle(
            self.ref,
            self.language,
            self.max_concurrency,
            self.max_task_retries,
            self.max_pending_calls,
            self.module,
            self.class_name,
            self.class_key,
            self.num_returns,
            self.methods,
            self.concurrency_groups,
            self.checkpoint_interval,
            self.items_ahead,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ActorHandle:
        return read_actor_handle(data, at)


_ACTOR_HANDLE_HEAD = bytes.fromhex("1e00700008003000340038003c0040004400480058005c00600064006800000020000000")
_ACTOR_HANDLE_BLOCK = Struct("<36s 4x 20s I Q Q B 3x I i i I I 16s I I I I I 4x 8x")
_ACTOR_HANDLE_FIELDS = Struct("<4x 20s I Q Q B 3x I i i I I 16s I I I I I 4x")
_ACTOR_HANDLE_SLOTS = (
    Struct("<20s I Q Q"),
    Struct("<B"),
    Struct("<I"),
    Struct("<i"),
    Struct("<i"),
    None,
    None,
    Struct("<16s"),
    None,
    None,
    None,
    Struct("<I"),
    None,
)
ActorHandle.START = 32
ActorHandle.ROOT = bytes.fromhex("2800000042575331")


def block_actor_handle(
    ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    language: int = 0,
    max_concurrency: int = 0,
    max_task_retries: int = 0,
    max_pending_calls: int = 0,
    module: str = "",
    class_name: str = "",
    class_key: bytes = bytes(16),
    num_returns: tuple[str, ...] = (),
    methods: tuple[MethodRetries, ...] = (),
    concurrency_groups: tuple[str, ...] = (),
    checkpoint_interval: int = 0,
    items_ahead: tuple[str, ...] = (),
) -> bytes:
    tail = b""
    if module:
        module_at = len(tail) + 56
        tail += flat.string_chunk(module)
    else:
        module_at = 48
    if class_name:
        class_name_at = len(tail) + 52
        tail += flat.string_chunk(class_name)
    else:
        class_name_at = 44
    if num_returns:
        num_returns_at = len(tail) + 32
        tail += flat.strings_chunk(num_returns)
    else:
        num_returns_at = 24
    if methods:
        methods_at = len(tail) + 28
        tail += flat.tables_chunk(methods, 16)
    else:
        methods_at = 20
    if concurrency_groups:
        concurrency_groups_at = len(tail) + 24
        tail += flat.strings_chunk(concurrency_groups)
    else:
        concurrency_groups_at = 16
    if items_ahead:
        items_ahead_at = len(tail) + 16
        tail += flat.strings_chunk(items_ahead)
    else:
        items_ahead_at = 8
    return (
        _ACTOR_HANDLE_BLOCK.pack(
            _ACTOR_HANDLE_HEAD,
            *ref,
            language,
            max_concurrency,
            max_task_retries,
            max_pending_calls,
            module_at,
            class_name_at,
            class_key,
            num_returns_at,
            methods_at,
            concurrency_groups_at,
            checkpoint_interval,
            items_ahead_at,
        )
        + tail
    )


def read_actor_handle(data: bytes, at: int) -> ActorHandle:
    if data[at - 32 : at + 4] == _ACTOR_HANDLE_HEAD:
        (
            ref_0,
            ref_1,
            ref_2,
            ref_3,
            language,
            max_concurrency,
            max_task_retries,
            max_pending_calls,
            module,
            class_name,
            class_key,
            num_returns,
            methods,
            concurrency_groups,
            checkpoint_interval,
            items_ahead,
        ) = _ACTOR_HANDLE_FIELDS.unpack_from(data, at + 4)
        module += at + 64
        class_name += at + 68
        num_returns += at + 88
        methods += at + 92
        concurrency_groups += at + 96
        items_ahead += at + 104
    else:
        (
            ref_0,
            ref_1,
            ref_2,
            ref_3,
            language,
            max_concurrency,
            max_task_retries,
            max_pending_calls,
            module,
            class_name,
            class_key,
            num_returns,
            methods,
            concurrency_groups,
            checkpoint_interval,
            items_ahead,
        ) = flat.table_fields(data, at, _ACTOR_HANDLE_SLOTS)
    return ActorHandle(
        ObjectRef(ref_0, ref_1, ref_2, ref_3),
        language,
        max_concurrency,
        max_task_retries,
        max_pending_calls,
        flat.read_string(data, module),
        flat.read_string(data, class_name),
        class_key,
        flat.read_strings(data, num_returns),
        flat.read_tables(data, methods, read_method_retries),
        flat.read_strings(data, concurrency_groups),
        checkpoint_interval,
        flat.read_strings(data, items_ahead),
    )


class Resource(Message):
    """An amount of one resource.

    Attributes:
        name: "CPU", "GPU", "memory" (bytes) or a name of the user's.
        units: Amount in units of 1/10000.
    """

    __slots__ = (
        "name",
        "units",
    )

    def __init__(
        self,
        name: str = "",
        units: int = 0,
    ) -> None:
        self.name = name
        self.units = units

    def block(self) -> bytes:
        return block_resource(self.name, self.units)

    @staticmethod
    def read(data: bytes, at: int) -> Resource:
        return read_resource(data, at)


_RESOURCE_HEAD = bytes.fromhex("080010000400080008000000")
_RESOURCE_BLOCK = Struct("<12s I q 0x 8x")
_RESOURCE_FIELDS = Struct("<I q 0x")
_RESOURCE_SLOTS = (
    None,
    Struct("<q"),
)
Resource.START = 8
Resource.ROOT = bytes.fromhex("1000000042575331")


def block_resource(
    name: str = "",
    units: int = 0,
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 20
        tail += flat.string_chunk(name)
    else:
        name_at = 12
    return _RESOURCE_BLOCK.pack(_RESOURCE_HEAD, name_at, units) + tail


def read_resource(data: bytes, at: int) -> Resource:
    if data[at - 8 : at + 4] == _RESOURCE_HEAD:
        name, units = _RESOURCE_FIELDS.unpack_from(data, at + 4)
        name += at + 4
    else:
        name, units = flat.table_fields(data, at, _RESOURCE_SLOTS)
    return Resource(
        flat.read_string(data, name),
        units,
    )


class ActorCreate(Message):
    """Frontend to node: make an actor. The body is the creation Task: its frame, prefix included. Answered by Ack once recorded, or by Failure.

    Attributes:
        request: Names the request in answers.
        handle: What handles say.
        max_restarts: Times that it may be restarted; -1: any number.
        detached: True: it lives until killed. False: until its last handle goes.
        get_if_exists: True: if the name is taken, that is no error, and the answer is the ActorInfo of who has it.
        name: Name in the namespace; empty: none.
        namespace: Namespace; empty: the job's.
        environment: Hash of the runtime environment; empty: the job's own.
        resources: What the actor holds while it lives.
        placement_resources: What must be free to place it, where that is more than `resources`.
        jvm_flags: Extra JVM flags, as those of an environment; empty: none.
        contains: References inside the creation task's arguments; held while the actor may be started again.
        placement_group: Placement group whose resources the actor uses; zeros: none.
        bundle: Number of the bundle in the group, from 1; 0: any.
        capture_children: True: what the actor submits goes to the same group, if it names none.
        shared_worker: True: the actor may share its worker's process with others of the job (5.5). For Java.
    """

    __slots__ = (
        "request",
        "handle",
        "max_restarts",
        "detached",
        "get_if_exists",
        "name",
        "namespace",
        "environment",
        "resources",
        "placement_resources",
        "jvm_flags",
        "contains",
        "placement_group",
        "bundle",
        "capture_children",
        "shared_worker",
    )

    def __init__(
        self,
        request: int = 0,
        handle: ActorHandle | None = None,
        max_restarts: int = 0,
        detached: bool = False,
        get_if_exists: bool = False,
        name: str = "",
        namespace: str = "",
        environment: bytes = b"",
        resources: tuple[Resource, ...] = (),
        placement_resources: tuple[Resource, ...] = (),
        jvm_flags: str = "",
        contains: tuple[ObjectRef, ...] = (),
        placement_group: bytes = bytes(16),
        bundle: int = 0,
        capture_children: bool = False,
        shared_worker: bool = False,
    ) -> None:
        self.request = request
        self.handle = handle
        self.max_restarts = max_restarts
        self.detached = detached
        self.get_if_exists = get_if_exists
        self.name = name
        self.namespace = namespace
        self.environment = environment
        self.resources = resources
        self.placement_resources = placement_resources
        self.jvm_flags = jvm_flags
        self.contains = contains
        self.placement_group = placement_group
        self.bundle = bundle
        self.capture_children = capture_children
        self.shared_worker = shared_worker

    def block(self) -> bytes:
        return block_actor_create(
            self.request,
            self.handle,
            self.max_restarts,
            self.detached,
            self.get_if_exists,
            self.name,
            self.namespace,
            self.environment,
            self.resources,
            self.placement_resources,
            self.jvm_flags,
            self.contains,
            self.placement_group,
            self.bundle,
            self.capture_children,
            self.shared_worker,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ActorCreate:
        return read_actor_create(data, at)


_ACTOR_CREATE_HEAD = bytes.fromhex(
    "24005000080010001400180019001c002000240028002c0030003400380048004c004d000000000028000000"
)
_ACTOR_CREATE_BLOCK = Struct("<44s 4x Q I i ? ? 2x I I I I I I I 16s I ? ? 2x 8x")
_ACTOR_CREATE_FIELDS = Struct("<4x Q I i ? ? 2x I I I I I I I 16s I ? ? 2x")
_ACTOR_CREATE_SLOTS = (
    Struct("<Q"),
    None,
    Struct("<i"),
    Struct("<?"),
    Struct("<?"),
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    Struct("<16s"),
    Struct("<I"),
    Struct("<?"),
    Struct("<?"),
)
ActorCreate.START = 40
ActorCreate.ROOT = bytes.fromhex("3000000042575331")


def block_actor_create(
    request: int = 0,
    handle: ActorHandle | None = None,
    max_restarts: int = 0,
    detached: bool = False,
    get_if_exists: bool = False,
    name: str = "",
    namespace: str = "",
    environment: bytes = b"",
    resources: tuple[Resource, ...] = (),
    placement_resources: tuple[Resource, ...] = (),
    jvm_flags: str = "",
    contains: tuple[ObjectRef, ...] = (),
    placement_group: bytes = bytes(16),
    bundle: int = 0,
    capture_children: bool = False,
    shared_worker: bool = False,
) -> bytes:
    tail = b""
    handle_at = len(tail) + 104
    tail += (handle or ActorHandle()).block()
    if name:
        name_at = len(tail) + 60
        tail += flat.string_chunk(name)
    else:
        name_at = 52
    if namespace:
        namespace_at = len(tail) + 56
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 48
    if environment:
        environment_at = len(tail) + 52
        tail += flat.blob_chunk(environment)
    else:
        environment_at = 44
    if resources:
        resources_at = len(tail) + 48
        tail += flat.tables_chunk(resources, 8)
    else:
        resources_at = 40
    if placement_resources:
        placement_resources_at = len(tail) + 44
        tail += flat.tables_chunk(placement_resources, 8)
    else:
        placement_resources_at = 36
    if jvm_flags:
        jvm_flags_at = len(tail) + 40
        tail += flat.string_chunk(jvm_flags)
    else:
        jvm_flags_at = 32
    if contains:
        contains_at = len(tail) + 40
        tail += flat.wide_chunk(contains, OBJECT_REF)
    else:
        contains_at = 32
    return (
        _ACTOR_CREATE_BLOCK.pack(
            _ACTOR_CREATE_HEAD,
            request,
            handle_at,
            max_restarts,
            detached,
            get_if_exists,
            name_at,
            namespace_at,
            environment_at,
            resources_at,
            placement_resources_at,
            jvm_flags_at,
            contains_at,
            placement_group,
            bundle,
            capture_children,
            shared_worker,
        )
        + tail
    )


def read_actor_create(data: bytes, at: int) -> ActorCreate:
    if data[at - 40 : at + 4] == _ACTOR_CREATE_HEAD:
        (
            request,
            handle,
            max_restarts,
            detached,
            get_if_exists,
            name,
            namespace,
            environment,
            resources,
            placement_resources,
            jvm_flags,
            contains,
            placement_group,
            bundle,
            capture_children,
            shared_worker,
        ) = _ACTOR_CREATE_FIELDS.unpack_from(data, at + 4)
        handle += at + 16
        name += at + 28
        namespace += at + 32
        environment += at + 36
        resources += at + 40
        placement_resources += at + 44
        jvm_flags += at + 48
        contains += at + 52
    else:
        (
            request,
            handle,
            max_restarts,
            detached,
            get_if_exists,
            name,
            namespace,
            environment,
            resources,
            placement_resources,
            jvm_flags,
            contains,
            placement_group,
            bundle,
            capture_children,
            shared_worker,
        ) = flat.table_fields(data, at, _ACTOR_CREATE_SLOTS)
    return ActorCreate(
        request,
        flat.read_table(data, handle, read_actor_handle),
        max_restarts,
        detached,
        get_if_exists,
        flat.read_string(data, name),
        flat.read_string(data, namespace),
        flat.read_blob(data, environment),
        flat.read_tables(data, resources, read_resource),
        flat.read_tables(data, placement_resources, read_resource),
        flat.read_string(data, jvm_flags),
        flat.read_structs(data, contains, OBJECT_REF, ObjectRef),
        placement_group,
        bundle,
        capture_children,
        shared_worker,
    )


class ActorSubscribe(Message):
    """Frontend to node: tell me the actor's state now and at each change.

    Attributes:
        actor: The actor.
    """

    __slots__ = ("actor",)

    def __init__(
        self,
        actor: bytes = bytes(16),
    ) -> None:
        self.actor = actor

    def block(self) -> bytes:
        return block_actor_subscribe(self.actor)

    @staticmethod
    def read(data: bytes, at: int) -> ActorSubscribe:
        return read_actor_subscribe(data, at)


_ACTOR_SUBSCRIBE_HEAD = bytes.fromhex("060018000400000008000000")
_ACTOR_SUBSCRIBE_BLOCK = Struct("<12s 16s 4x 8x")
_ACTOR_SUBSCRIBE_FIELDS = Struct("<16s 4x")
_ACTOR_SUBSCRIBE_SLOTS = (Struct("<16s"),)
ActorSubscribe.START = 8
ActorSubscribe.ROOT = bytes.fromhex("1000000042575331")


def block_actor_subscribe(
    actor: bytes = bytes(16),
) -> bytes:
    return _ACTOR_SUBSCRIBE_BLOCK.pack(_ACTOR_SUBSCRIBE_HEAD, actor)


def read_actor_subscribe(data: bytes, at: int) -> ActorSubscribe:
    if data[at - 8 : at + 4] == _ACTOR_SUBSCRIBE_HEAD:
        (actor,) = _ACTOR_SUBSCRIBE_FIELDS.unpack_from(data, at + 4)
    else:
        (actor,) = flat.table_fields(data, at, _ACTOR_SUBSCRIBE_SLOTS)
    return ActorSubscribe(
        actor,
    )


class ErrorCause(Message):
    """One link of a cause chain.

    Attributes:
        type_name: Fully qualified class in its own language.
        message: The cause's message.
        language: Language of the process that raised it.
    """

    __slots__ = (
        "type_name",
        "message",
        "language",
    )

    def __init__(
        self,
        type_name: str = "",
        message: str = "",
        language: int = 0,
    ) -> None:
        self.type_name = type_name
        self.message = message
        self.language = language

    def block(self) -> bytes:
        return block_error_cause(self.type_name, self.message, self.language)

    @staticmethod
    def read(data: bytes, at: int) -> ErrorCause:
        return read_error_cause(data, at)


_ERROR_CAUSE_HEAD = bytes.fromhex("0a001000040008000c0000000000000010000000")
_ERROR_CAUSE_BLOCK = Struct("<20s I I B 3x 8x")
_ERROR_CAUSE_FIELDS = Struct("<I I B 3x")
_ERROR_CAUSE_SLOTS = (
    None,
    None,
    Struct("<B"),
)
ErrorCause.START = 16
ErrorCause.ROOT = bytes.fromhex("1800000042575331")


def block_error_cause(
    type_name: str = "",
    message: str = "",
    language: int = 0,
) -> bytes:
    tail = b""
    if type_name:
        type_name_at = len(tail) + 20
        tail += flat.string_chunk(type_name)
    else:
        type_name_at = 12
    if message:
        message_at = len(tail) + 16
        tail += flat.string_chunk(message)
    else:
        message_at = 8
    return _ERROR_CAUSE_BLOCK.pack(_ERROR_CAUSE_HEAD, type_name_at, message_at, language) + tail


def read_error_cause(data: bytes, at: int) -> ErrorCause:
    if data[at - 16 : at + 4] == _ERROR_CAUSE_HEAD:
        type_name, message, language = _ERROR_CAUSE_FIELDS.unpack_from(data, at + 4)
        type_name += at + 4
        message += at + 8
    else:
        type_name, message, language = flat.table_fields(data, at, _ERROR_CAUSE_SLOTS)
    return ErrorCause(
        flat.read_string(data, type_name),
        flat.read_string(data, message),
        language,
    )


class ErrorRecord(Message):
    """An error, as it travels and is stored (encoding ERROR).

    Attributes:
        code: What kind of error; required.
        language: Language of the process that raised it.
        retryable: True if trying again may succeed.
        may_have_executed: True if the failed work may have had effects.
        pid: Operating system's process id where it was raised; 0: unknown.
        node: Node where it was raised; 0: unknown.
        task: The task that failed; zeros: none.
        message: One sentence or more, for people.
        type_name: Fully qualified class of the cause in its own language; empty: none.
        traceback: The remote traceback or stack trace as text; empty: none.
        function_name: Name of the function or method that failed; empty: none.
        native: The exception in its language's own serialization; empty: it could not be serialized.
        causes: What caused this error, nearest first; at most 16.
    """

    __slots__ = (
        "code",
        "language",
        "retryable",
        "may_have_executed",
        "pid",
        "node",
        "task",
        "message",
        "type_name",
        "traceback",
        "function_name",
        "native",
        "causes",
    )

    def __init__(
        self,
        code: int = 0,
        language: int = 0,
        retryable: bool = False,
        may_have_executed: bool = False,
        pid: int = 0,
        node: int = 0,
        task: bytes = bytes(16),
        message: str = "",
        type_name: str = "",
        traceback: str = "",
        function_name: str = "",
        native: bytes = b"",
        causes: tuple[ErrorCause, ...] = (),
    ) -> None:
        self.code = code
        self.language = language
        self.retryable = retryable
        self.may_have_executed = may_have_executed
        self.pid = pid
        self.node = node
        self.task = task
        self.message = message
        self.type_name = type_name
        self.traceback = traceback
        self.function_name = function_name
        self.native = native
        self.causes = causes

    def block(self) -> bytes:
        return block_error_record(
            self.code,
            self.language,
            self.retryable,
            self.may_have_executed,
            self.pid,
            self.node,
            self.task,
            self.message,
            self.type_name,
            self.traceback,
            self.function_name,
            self.native,
            self.causes,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ErrorRecord:
        return read_error_record(data, at)


_ERROR_RECORD_HEAD = bytes.fromhex("1e00400004000600070008000c001000180028002c003000340038003c00000020000000")
_ERROR_RECORD_BLOCK = Struct("<36s H B ? ? 3x I Q 16s I I I I I I 0x 8x")
_ERROR_RECORD_FIELDS = Struct("<H B ? ? 3x I Q 16s I I I I I I 0x")
_ERROR_RECORD_SLOTS = (
    Struct("<H"),
    Struct("<B"),
    Struct("<?"),
    Struct("<?"),
    Struct("<I"),
    Struct("<Q"),
    Struct("<16s"),
    None,
    None,
    None,
    None,
    None,
    None,
)
ErrorRecord.START = 32
ErrorRecord.ROOT = bytes.fromhex("2800000042575331")


def block_error_record(
    code: int = 0,
    language: int = 0,
    retryable: bool = False,
    may_have_executed: bool = False,
    pid: int = 0,
    node: int = 0,
    task: bytes = bytes(16),
    message: str = "",
    type_name: str = "",
    traceback: str = "",
    function_name: str = "",
    native: bytes = b"",
    causes: tuple[ErrorCause, ...] = (),
) -> bytes:
    tail = b""
    if message:
        message_at = len(tail) + 32
        tail += flat.string_chunk(message)
    else:
        message_at = 24
    if type_name:
        type_name_at = len(tail) + 28
        tail += flat.string_chunk(type_name)
    else:
        type_name_at = 20
    if traceback:
        traceback_at = len(tail) + 24
        tail += flat.string_chunk(traceback)
    else:
        traceback_at = 16
    if function_name:
        function_name_at = len(tail) + 20
        tail += flat.string_chunk(function_name)
    else:
        function_name_at = 12
    if native:
        native_at = len(tail) + 16
        tail += flat.blob_chunk(native)
    else:
        native_at = 8
    if causes:
        causes_at = len(tail) + 12
        tail += flat.tables_chunk(causes, 16)
    else:
        causes_at = 4
    return (
        _ERROR_RECORD_BLOCK.pack(
            _ERROR_RECORD_HEAD,
            code,
            language,
            retryable,
            may_have_executed,
            pid,
            node,
            task,
            message_at,
            type_name_at,
            traceback_at,
            function_name_at,
            native_at,
            causes_at,
        )
        + tail
    )


def read_error_record(data: bytes, at: int) -> ErrorRecord:
    if data[at - 32 : at + 4] == _ERROR_RECORD_HEAD:
        (
            code,
            language,
            retryable,
            may_have_executed,
            pid,
            node,
            task,
            message,
            type_name,
            traceback,
            function_name,
            native,
            causes,
        ) = _ERROR_RECORD_FIELDS.unpack_from(data, at + 4)
        message += at + 40
        type_name += at + 44
        traceback += at + 48
        function_name += at + 52
        native += at + 56
        causes += at + 60
    else:
        (
            code,
            language,
            retryable,
            may_have_executed,
            pid,
            node,
            task,
            message,
            type_name,
            traceback,
            function_name,
            native,
            causes,
        ) = flat.table_fields(data, at, _ERROR_RECORD_SLOTS)
    return ErrorRecord(
        code,
        language,
        retryable,
        may_have_executed,
        pid,
        node,
        task,
        flat.read_string(data, message),
        flat.read_string(data, type_name),
        flat.read_string(data, traceback),
        flat.read_string(data, function_name),
        flat.read_blob(data, native),
        flat.read_tables(data, causes, read_error_cause),
    )


class ActorState(Message):
    """Node to frontend: the actor's state.

    Attributes:
        actor: The actor.
        life: Its life.
        incarnation: How often it was started before; 0: this is its first life.
        worker: ALIVE: process id (64 bits) of its worker; else 0.
        address: ALIVE: path of its worker's Unix socket; else empty.
        error: DEAD, RESTARTING: why.
    """

    __slots__ = (
        "actor",
        "life",
        "incarnation",
        "worker",
        "address",
        "error",
    )

    def __init__(
        self,
        actor: bytes = bytes(16),
        life: int = 0,
        incarnation: int = 0,
        worker: int = 0,
        address: str = "",
        error: ErrorRecord | None = None,
    ) -> None:
        self.actor = actor
        self.life = life
        self.incarnation = incarnation
        self.worker = worker
        self.address = address
        self.error = error

    def block(self) -> bytes:
        return block_actor_state(self.actor, self.life, self.incarnation, self.worker, self.address, self.error)

    @staticmethod
    def read(data: bytes, at: int) -> ActorState:
        return read_actor_state(data, at)


_ACTOR_STATE_HEAD = bytes.fromhex("10003000040014001800200028002c0010000000")
_ACTOR_STATE_BLOCK = Struct("<20s 16s B 3x I 4x Q I I 0x 8x")
_ACTOR_STATE_FIELDS = Struct("<16s B 3x I 4x Q I I 0x")
_ACTOR_STATE_SLOTS = (
    Struct("<16s"),
    Struct("<B"),
    Struct("<I"),
    Struct("<Q"),
    None,
    None,
)
ActorState.START = 16
ActorState.ROOT = bytes.fromhex("1800000042575331")


def block_actor_state(
    actor: bytes = bytes(16),
    life: int = 0,
    incarnation: int = 0,
    worker: int = 0,
    address: str = "",
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    if address:
        address_at = len(tail) + 16
        tail += flat.string_chunk(address)
    else:
        address_at = 8
    error_at = len(tail) + 44
    tail += (error or ErrorRecord()).block()
    return _ACTOR_STATE_BLOCK.pack(_ACTOR_STATE_HEAD, actor, life, incarnation, worker, address_at, error_at) + tail


def read_actor_state(data: bytes, at: int) -> ActorState:
    if data[at - 16 : at + 4] == _ACTOR_STATE_HEAD:
        actor, life, incarnation, worker, address, error = _ACTOR_STATE_FIELDS.unpack_from(data, at + 4)
        address += at + 40
        error += at + 44
    else:
        actor, life, incarnation, worker, address, error = flat.table_fields(data, at, _ACTOR_STATE_SLOTS)
    return ActorState(
        actor,
        life,
        incarnation,
        worker,
        flat.read_string(data, address),
        flat.read_table(data, error, read_error_record),
    )


class ActorKill(Message):
    """Frontend to node: end the actor's process. Answered by Ack.

    Attributes:
        request: Names the request in answers.
        actor: The actor.
        no_restart: True: it is over for good. False: it restarts if it may.
    """

    __slots__ = (
        "request",
        "actor",
        "no_restart",
    )

    def __init__(
        self,
        request: int = 0,
        actor: bytes = bytes(16),
        no_restart: bool = False,
    ) -> None:
        self.request = request
        self.actor = actor
        self.no_restart = no_restart

    def block(self) -> bytes:
        return block_actor_kill(self.request, self.actor, self.no_restart)

    @staticmethod
    def read(data: bytes, at: int) -> ActorKill:
        return read_actor_kill(data, at)


_ACTOR_KILL_HEAD = bytes.fromhex("0a00280008001000200000000000000010000000")
_ACTOR_KILL_BLOCK = Struct("<20s 4x Q 16s ? 7x 8x")
_ACTOR_KILL_FIELDS = Struct("<4x Q 16s ? 7x")
_ACTOR_KILL_SLOTS = (
    Struct("<Q"),
    Struct("<16s"),
    Struct("<?"),
)
ActorKill.START = 16
ActorKill.ROOT = bytes.fromhex("1800000042575331")


def block_actor_kill(
    request: int = 0,
    actor: bytes = bytes(16),
    no_restart: bool = False,
) -> bytes:
    return _ACTOR_KILL_BLOCK.pack(_ACTOR_KILL_HEAD, request, actor, no_restart)


def read_actor_kill(data: bytes, at: int) -> ActorKill:
    if data[at - 16 : at + 4] == _ACTOR_KILL_HEAD:
        request, actor, no_restart = _ACTOR_KILL_FIELDS.unpack_from(data, at + 4)
    else:
        request, actor, no_restart = flat.table_fields(data, at, _ACTOR_KILL_SLOTS)
    return ActorKill(
        request,
        actor,
        no_restart,
    )


class ActorLookup(Message):
    """Frontend to node: who has this name? Answered by ActorInfo or Failure (ACTOR_NOT_FOUND).

    Attributes:
        request: Names the request in answers.
        name: The name.
        namespace: The namespace; empty: the job's.
    """

    __slots__ = (
        "request",
        "name",
        "namespace",
    )

    def __init__(
        self,
        request: int = 0,
        name: str = "",
        namespace: str = "",
    ) -> None:
        self.request = request
        self.name = name
        self.namespace = namespace

    def block(self) -> bytes:
        return block_actor_lookup(self.request, self.name, self.namespace)

    @staticmethod
    def read(data: bytes, at: int) -> ActorLookup:
        return read_actor_lookup(data, at)


_ACTOR_LOOKUP_HEAD = bytes.fromhex("0a00180008001000140000000000000010000000")
_ACTOR_LOOKUP_BLOCK = Struct("<20s 4x Q I I 0x 8x")
_ACTOR_LOOKUP_FIELDS = Struct("<4x Q I I 0x")
_ACTOR_LOOKUP_SLOTS = (
    Struct("<Q"),
    None,
    None,
)
ActorLookup.START = 16
ActorLookup.ROOT = bytes.fromhex("1800000042575331")


def block_actor_lookup(
    request: int = 0,
    name: str = "",
    namespace: str = "",
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 16
        tail += flat.string_chunk(name)
    else:
        name_at = 8
    if namespace:
        namespace_at = len(tail) + 12
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 4
    return _ACTOR_LOOKUP_BLOCK.pack(_ACTOR_LOOKUP_HEAD, request, name_at, namespace_at) + tail


def read_actor_lookup(data: bytes, at: int) -> ActorLookup:
    if data[at - 16 : at + 4] == _ACTOR_LOOKUP_HEAD:
        request, name, namespace = _ACTOR_LOOKUP_FIELDS.unpack_from(data, at + 4)
        name += at + 16
        namespace += at + 20
    else:
        request, name, namespace = flat.table_fields(data, at, _ACTOR_LOOKUP_SLOTS)
    return ActorLookup(
        request,
        flat.read_string(data, name),
        flat.read_string(data, namespace),
    )


class ActorInfo(Message):
    """Answer to ActorLookup, or to ActorCreate with get_if_exists. The asker holds `handle.ref` from here on.

    Attributes:
        request: The request.
        handle: The handle.
    """

    __slots__ = (
        "request",
        "handle",
    )

    def __init__(
        self,
        request: int = 0,
        handle: ActorHandle | None = None,
    ) -> None:
        self.request = request
        self.handle = handle

    def block(self) -> bytes:
        return block_actor_info(self.request, self.handle)

    @staticmethod
    def read(data: bytes, at: int) -> ActorInfo:
        return read_actor_info(data, at)


_ACTOR_INFO_HEAD = bytes.fromhex("080018000800100008000000")
_ACTOR_INFO_BLOCK = Struct("<12s 4x Q I 4x 8x")
_ACTOR_INFO_FIELDS = Struct("<4x Q I 4x")
_ACTOR_INFO_SLOTS = (
    Struct("<Q"),
    None,
)
ActorInfo.START = 8
ActorInfo.ROOT = bytes.fromhex("1000000042575331")


def block_actor_info(
    request: int = 0,
    handle: ActorHandle | None = None,
) -> bytes:
    tail = b""
    handle_at = len(tail) + 48
    tail += (handle or ActorHandle()).block()
    return _ACTOR_INFO_BLOCK.pack(_ACTOR_INFO_HEAD, request, handle_at) + tail


def read_actor_info(data: bytes, at: int) -> ActorInfo:
    if data[at - 8 : at + 4] == _ACTOR_INFO_HEAD:
        request, handle = _ACTOR_INFO_FIELDS.unpack_from(data, at + 4)
        handle += at + 16
    else:
        request, handle = flat.table_fields(data, at, _ACTOR_INFO_SLOTS)
    return ActorInfo(
        request,
        flat.read_table(data, handle, read_actor_handle),
    )


class ActorStart(Message):
    """Node to worker: be this actor. The body is the creation Task: its frame, prefix included.

    Attributes:
        handle: What handles say.
        incarnation: How often it was started before.
        name: The actor's name; empty: none.
        namespace: The actor's namespace; empty: the job's.
        state: The state to restore after the constructor; zeros: none.
        replay: How many ActorLog frames follow.
        callers: How far each caller's calls are applied to `state`.
        address: Where the worker listens for callers of this actor, which shares its process; empty: at the worker's own address.
    """

    __slots__ = (
        "handle",
        "incarnation",
        "name",
        "namespace",
        "state",
        "replay",
        "callers",
        "address",
    )

    def __init__(
        self,
        handle: ActorHandle | None = None,
        incarnation: int = 0,
        name: str = "",
        namespace: str = "",
        state: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        replay: int = 0,
        callers: tuple[CallerMark, ...] = (),
        address: str = "",
    ) -> None:
        self.handle = handle
        self.incarnation = incarnation
        self.name = name
        self.namespace = namespace
        self.state = state
        self.replay = replay
        self.callers = callers
        self.address = address

    def block(self) -> bytes:
        return block_actor_start(
            self.handle,
            self.incarnation,
            self.name,
            self.namespace,
            self.state,
            self.replay,
            self.callers,
            self.address,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ActorStart:
        return read_actor_start(data, at)


_ACTOR_START_HEAD = bytes.fromhex("14005000040008000c00100018004000440048000000000018000000")
_ACTOR_START_BLOCK = Struct("<28s I I I I 4x 20s I Q Q I I I 4x 8x")
_ACTOR_START_FIELDS = Struct("<I I I I 4x 20s I Q Q I I I 4x")
_ACTOR_START_SLOTS = (
    None,
    Struct("<I"),
    None,
    None,
    Struct("<20s I Q Q"),
    Struct("<I"),
    None,
    None,
)
ActorStart.START = 24
ActorStart.ROOT = bytes.fromhex("2000000042575331")


def block_actor_start(
    handle: ActorHandle | None = None,
    incarnation: int = 0,
    name: str = "",
    namespace: str = "",
    state: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    replay: int = 0,
    callers: tuple[CallerMark, ...] = (),
    address: str = "",
) -> bytes:
    tail = b""
    handle_at = len(tail) + 116
    tail += (handle or ActorHandle()).block()
    if name:
        name_at = len(tail) + 76
        tail += flat.string_chunk(name)
    else:
        name_at = 68
    if namespace:
        namespace_at = len(tail) + 72
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 64
    if callers:
        callers_at = len(tail) + 24
        tail += flat.wide_chunk(callers, CALLER_MARK)
    else:
        callers_at = 16
    if address:
        address_at = len(tail) + 16
        tail += flat.string_chunk(address)
    else:
        address_at = 8
    return (
        _ACTOR_START_BLOCK.pack(
            _ACTOR_START_HEAD, handle_at, incarnation, name_at, namespace_at, *state, replay, callers_at, address_at
        )
        + tail
    )


def read_actor_start(data: bytes, at: int) -> ActorStart:
    if data[at - 24 : at + 4] == _ACTOR_START_HEAD:
        handle, incarnation, name, namespace, state_0, state_1, state_2, state_3, replay, callers, address = (
            _ACTOR_START_FIELDS.unpack_from(data, at + 4)
        )
        handle += at + 4
        name += at + 12
        namespace += at + 16
        callers += at + 68
        address += at + 72
    else:
        handle, incarnation, name, namespace, state_0, state_1, state_2, state_3, replay, callers, address = (
            flat.table_fields(data, at, _ACTOR_START_SLOTS)
        )
    return ActorStart(
        flat.read_table(data, handle, read_actor_handle),
        incarnation,
        flat.read_string(data, name),
        flat.read_string(data, namespace),
        ObjectRef(state_0, state_1, state_2, state_3),
        replay,
        flat.read_structs(data, callers, CALLER_MARK, CallerMark),
        flat.read_string(data, address),
    )


class ActorStarted(Message):
    """Worker to node: the constructor is done.

    Attributes:
        actor: The actor.
        incarnation: How often it was started before.
        ok: True: it takes calls now.
        error: If not ok: why. The actor is dead, and is not restarted.
    """

    __slots__ = (
        "actor",
        "incarnation",
        "ok",
        "error",
    )

    def __init__(
        self,
        actor: bytes = bytes(16),
        incarnation: int = 0,
        ok: bool = False,
        error: ErrorRecord | None = None,
    ) -> None:
        self.actor = actor
        self.incarnation = incarnation
        self.ok = ok
        self.error = error

    def block(self) -> bytes:
        return block_actor_started(self.actor, self.incarnation, self.ok, self.error)

    @staticmethod
    def read(data: bytes, at: int) -> ActorStarted:
        return read_actor_started(data, at)


_ACTOR_STARTED_HEAD = bytes.fromhex("0c0020000400140018001c000000000010000000")
_ACTOR_STARTED_BLOCK = Struct("<20s 16s I ? 3x I 0x 8x")
_ACTOR_STARTED_FIELDS = Struct("<16s I ? 3x I 0x")
_ACTOR_STARTED_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
    Struct("<?"),
    None,
)
ActorStarted.START = 16
ActorStarted.ROOT = bytes.fromhex("1800000042575331")


def block_actor_started(
    actor: bytes = bytes(16),
    incarnation: int = 0,
    ok: bool = False,
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    error_at = len(tail) + 44
    tail += (error or ErrorRecord()).block()
    return _ACTOR_STARTED_BLOCK.pack(_ACTOR_STARTED_HEAD, actor, incarnation, ok, error_at) + tail


def read_actor_started(data: bytes, at: int) -> ActorStarted:
    if data[at - 16 : at + 4] == _ACTOR_STARTED_HEAD:
        actor, incarnation, ok, error = _ACTOR_STARTED_FIELDS.unpack_from(data, at + 4)
        error += at + 28
    else:
        actor, incarnation, ok, error = flat.table_fields(data, at, _ACTOR_STARTED_SLOTS)
    return ActorStarted(
        actor,
        incarnation,
        ok,
        flat.read_table(data, error, read_error_record),
    )


class ActorExit(Message):
    """Worker to node: the actor asked to end; it is not restarted.

    Attributes:
        actor: The actor.
    """

    __slots__ = ("actor",)

    def __init__(
        self,
        actor: bytes = bytes(16),
    ) -> None:
        self.actor = actor

    def block(self) -> bytes:
        return block_actor_exit(self.actor)

    @staticmethod
    def read(data: bytes, at: int) -> ActorExit:
        return read_actor_exit(data, at)


_ACTOR_EXIT_HEAD = bytes.fromhex("060018000400000008000000")
_ACTOR_EXIT_BLOCK = Struct("<12s 16s 4x 8x")
_ACTOR_EXIT_FIELDS = Struct("<16s 4x")
_ACTOR_EXIT_SLOTS = (Struct("<16s"),)
ActorExit.START = 8
ActorExit.ROOT = bytes.fromhex("1000000042575331")


def block_actor_exit(
    actor: bytes = bytes(16),
) -> bytes:
    return _ACTOR_EXIT_BLOCK.pack(_ACTOR_EXIT_HEAD, actor)


def read_actor_exit(data: bytes, at: int) -> ActorExit:
    if data[at - 8 : at + 4] == _ACTOR_EXIT_HEAD:
        (actor,) = _ACTOR_EXIT_FIELDS.unpack_from(data, at + 4)
    else:
        (actor,) = flat.table_fields(data, at, _ACTOR_EXIT_SLOTS)
    return ActorExit(
        actor,
    )


class ActorEnd(Message):
    """Node to worker: end this actor, and no other of the process.

    Attributes:
        actor: The actor.
        graceful: True: its queued calls run first.
    """

    __slots__ = (
        "actor",
        "graceful",
    )

    def __init__(
        self,
        actor: bytes = bytes(16),
        graceful: bool = False,
    ) -> None:
        self.actor = actor
        self.graceful = graceful

    def block(self) -> bytes:
        return block_actor_end(self.actor, self.graceful)

    @staticmethod
    def read(data: bytes, at: int) -> ActorEnd:
        return read_actor_end(data, at)


_ACTOR_END_HEAD = bytes.fromhex("080018000400140008000000")
_ACTOR_END_BLOCK = Struct("<12s 16s ? 3x 8x")
_ACTOR_END_FIELDS = Struct("<16s ? 3x")
_ACTOR_END_SLOTS = (
    Struct("<16s"),
    Struct("<?"),
)
ActorEnd.START = 8
ActorEnd.ROOT = bytes.fromhex("1000000042575331")


def block_actor_end(
    actor: bytes = bytes(16),
    graceful: bool = False,
) -> bytes:
    return _ACTOR_END_BLOCK.pack(_ACTOR_END_HEAD, actor, graceful)


def read_actor_end(data: bytes, at: int) -> ActorEnd:
    if data[at - 8 : at + 4] == _ACTOR_END_HEAD:
        actor, graceful = _ACTOR_END_FIELDS.unpack_from(data, at + 4)
    else:
        actor, graceful = flat.table_fields(data, at, _ACTOR_END_SLOTS)
    return ActorEnd(
        actor,
        graceful,
    )


class ActorEnded(Message):
    """Worker to node: of this actor nothing runs any more that could be heard of.

    Attributes:
        actor: The actor.
        incarnation: How often it was started before.
    """

    __slots__ = (
        "actor",
        "incarnation",
    )

    def __init__(
        self,
        actor: bytes = bytes(16),
        incarnation: int = 0,
    ) -> None:
        self.actor = actor
        self.incarnation = incarnation

    def block(self) -> bytes:
        return block_actor_ended(self.actor, self.incarnation)

    @staticmethod
    def read(data: bytes, at: int) -> ActorEnded:
        return read_actor_ended(data, at)


_ACTOR_ENDED_HEAD = bytes.fromhex("080018000400140008000000")
_ACTOR_ENDED_BLOCK = Struct("<12s 16s I 0x 8x")
_ACTOR_ENDED_FIELDS = Struct("<16s I 0x")
_ACTOR_ENDED_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
)
ActorEnded.START = 8
ActorEnded.ROOT = bytes.fromhex("1000000042575331")


def block_actor_ended(
    actor: bytes = bytes(16),
    incarnation: int = 0,
) -> bytes:
    return _ACTOR_ENDED_BLOCK.pack(_ACTOR_ENDED_HEAD, actor, incarnation)


def read_actor_ended(data: bytes, at: int) -> ActorEnded:
    if data[at - 8 : at + 4] == _ACTOR_ENDED_HEAD:
        actor, incarnation = _ACTOR_ENDED_FIELDS.unpack_from(data, at + 4)
    else:
        actor, incarnation = flat.table_fields(data, at, _ACTOR_ENDED_SLOTS)
    return ActorEnded(
        actor,
        incarnation,
    )


class ActorLog(Message):
    """Worker to node: a call was applied, or the state was saved, or both. Node to worker, behind ActorStart: it was so before. The body is the call's Task frame, then its Result frame, prefixes included; empty if there is no call.

    Attributes:
        actor: The actor.
        incarnation: How often it was started before.
        caller: Process id (64 bits) of the caller; 0: no call.
        sequence: The call's sequence.
        task_length: Length of the Task frame in bytes.
        contains: References inside the call's arguments.
        state: Worker to node: the state after this call and all before it; zeros: it was not saved.
        unanswered: Worker to node, with a state: calls before this one whose Result is not written to their callers.
        applied: Node to worker: the call's effect is in the state already; only its Result matters.
    """

    __slots__ = (
        "actor",
        "incarnation",
        "caller",
        "sequence",
        "task_length",
        "contains",
        "state",
        "unanswered",
        "applied",
    )

    def __init__(
        self,
        actor: bytes = bytes(16),
        incarnation: int = 0,
        caller: int = 0,
        sequence: int = 0,
        task_length: int = 0,
        contains: tuple[ObjectRef, ...] = (),
        state: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        unanswered: tuple[CallerMark, ...] = (),
        applied: bool = False,
    ) -> None:
        self.actor = actor
        self.incarnation = incarnation
        self.caller = caller
        self.sequence = sequence
        self.task_length = task_length
        self.contains = contains
        self.state = state
        self.unanswered = unanswered
        self.applied = applied

    def block(self) -> bytes:
        return block_actor_log(
            self.actor,
            self.incarnation,
            self.caller,
            self.sequence,
            self.task_length,
            self.contains,
            self.state,
            self.unanswered,
            self.applied,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ActorLog:
        return read_actor_log(data, at)


_ACTOR_LOG_HEAD = bytes.fromhex("16006800040014001800200028003000380060006400000018000000")
_ACTOR_LOG_BLOCK = Struct("<28s 16s I Q Q Q I 4x 20s I Q Q I ? 3x 8x")
_ACTOR_LOG_FIELDS = Struct("<16s I Q Q Q I 4x 20s I Q Q I ? 3x")
_ACTOR_LOG_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<Q"),
    None,
    Struct("<20s I Q Q"),
    None,
    Struct("<?"),
)
ActorLog.START = 24
ActorLog.ROOT = bytes.fromhex("2000000042575331")


def block_actor_log(
    actor: bytes = bytes(16),
    incarnation: int = 0,
    caller: int = 0,
    sequence: int = 0,
    task_length: int = 0,
    contains: tuple[ObjectRef, ...] = (),
    state: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    unanswered: tuple[CallerMark, ...] = (),
    applied: bool = False,
) -> bytes:
    tail = b""
    if contains:
        contains_at = len(tail) + 68
        tail += flat.wide_chunk(contains, OBJECT_REF)
    else:
        contains_at = 60
    if unanswered:
        unanswered_at = len(tail) + 20
        tail += flat.wide_chunk(unanswered, CALLER_MARK)
    else:
        unanswered_at = 12
    return (
        _ACTOR_LOG_BLOCK.pack(
            _ACTOR_LOG_HEAD,
            actor,
            incarnation,
            caller,
            sequence,
            task_length,
            contains_at,
            *state,
            unanswered_at,
            applied,
        )
        + tail
    )


def read_actor_log(data: bytes, at: int) -> ActorLog:
    if data[at - 24 : at + 4] == _ACTOR_LOG_HEAD:
        (
            actor,
            incarnation,
            caller,
            sequence,
            task_length,
            contains,
            state_0,
            state_1,
            state_2,
            state_3,
            unanswered,
            applied,
        ) = _ACTOR_LOG_FIELDS.unpack_from(data, at + 4)
        contains += at + 48
        unanswered += at + 96
    else:
        (
            actor,
            incarnation,
            caller,
            sequence,
            task_length,
            contains,
            state_0,
            state_1,
            state_2,
            state_3,
            unanswered,
            applied,
        ) = flat.table_fields(data, at, _ACTOR_LOG_SLOTS)
    return ActorLog(
        actor,
        incarnation,
        caller,
        sequence,
        task_length,
        flat.read_structs(data, contains, OBJECT_REF, ObjectRef),
        ObjectRef(state_0, state_1, state_2, state_3),
        flat.read_structs(data, unanswered, CALLER_MARK, CallerMark),
        applied,
    )


class Variable(Message):
    """One variable of a process's environment.

    Attributes:
        name: Its name.
        value: Its value; "${NAME}" stands for the value that the node has of NAME, or for nothing.
    """

    __slots__ = (
        "name",
        "value",
    )

    def __init__(
        self,
        name: str = "",
        value: str = "",
    ) -> None:
        self.name = name
        self.value = value

    def block(self) -> bytes:
        return block_variable(self.name, self.value)

    @staticmethod
    def read(data: bytes, at: int) -> Variable:
        return read_variable(data, at)


_VARIABLE_HEAD = bytes.fromhex("080010000400080008000000")
_VARIABLE_BLOCK = Struct("<12s I I 4x 8x")
_VARIABLE_FIELDS = Struct("<I I 4x")
_VARIABLE_SLOTS = (
    None,
    None,
)
Variable.START = 8
Variable.ROOT = bytes.fromhex("1000000042575331")


def block_variable(
    name: str = "",
    value: str = "",
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 20
        tail += flat.string_chunk(name)
    else:
        name_at = 12
    if value:
        value_at = len(tail) + 16
        tail += flat.string_chunk(value)
    else:
        value_at = 8
    return _VARIABLE_BLOCK.pack(_VARIABLE_HEAD, name_at, value_at) + tail


def read_variable(data: bytes, at: int) -> Variable:
    if data[at - 8 : at + 4] == _VARIABLE_HEAD:
        name, value = _VARIABLE_FIELDS.unpack_from(data, at + 4)
        name += at + 4
        value += at + 8
    else:
        name, value = flat.table_fields(data, at, _VARIABLE_SLOTS)
    return Variable(
        flat.read_string(data, name),
        flat.read_string(data, value),
    )


class Environment(Message):
    """What a worker's process finds around it. A frontend names sources; the node's answer names packages.

    Attributes:
        variables: Variables that are set before anything is imported.
        working_dir: Absolute path of a folder or a zip archive, or "package:" and the id of what the node has of it; empty: the job's.
        modules: Modules: absolute paths of folders, .py files, zip archives or wheels, or "package:" and ids. First first.
        installer: What installs the requirements.
        requirements: Requirements, as the installer's command line takes them.
        options: Further options of the installer's command line.
        check: True: the installed packages are checked for conflicts.
        timeout_ms: Time that the making may take; 0: the node's limit.
        excludes: Files and folders that are left out when folders are copied: patterns as in a .gitignore file (10.1/4).
        jars: Classes for Java workers: absolute paths of jars or folders, or "package:" and ids. They come before the job's.
        jvm_flags: Flags of Java workers' JVMs, separated by blanks and quoted as in a POSIX shell; those of a request come behind them.
    """

    __slots__ = (
        "variables",
        "working_dir",
        "modules",
        "installer",
        "requirements",
        "options",
        "check",
        "timeout_ms",
        "excludes",
        "jars",
        "jvm_flags",
    )

    def __init__(
        self,
        variables: tuple[Variable, ...] = (),
        working_dir: str = "",
        modules: tuple[str, ...] = (),
        installer: int = 0,
        requirements: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        check: bool = False,
        timeout_ms: int = 0,
        excludes: tuple[str, ...] = (),
        jars: tuple[str, ...] = (),
        jvm_flags: str = "",
    ) -> None:
        self.variables = variables
        self.working_dir = working_dir
        self.modules = modules
        self.installer = installer
        self.requirements = requirements
        self.options = options
        self.check = check
        self.timeout_ms = timeout_ms
        self.excludes = excludes
        self.jars = jars
        self.jvm_flags = jvm_flags

    def block(self) -> bytes:
        return block_environment(
            self.variables,
            self.working_dir,
            self.modules,
            self.installer,
            self.requirements,
            self.options,
            self.check,
            self.timeout_ms,
            self.excludes,
            self.jars,
            self.jvm_flags,
        )

    @staticmethod
    def read(data: bytes, at: int) -> Environment:
        return read_environment(data, at)


_ENVIRONMENT_HEAD = bytes.fromhex("1a003800040008000c001000140018001c00200028002c00300000000000000020000000")
_ENVIRONMENT_BLOCK = Struct("<36s I I I B 3x I I ? 3x q I I I 4x 8x")
_ENVIRONMENT_FIELDS = Struct("<I I I B 3x I I ? 3x q I I I 4x")
_ENVIRONMENT_SLOTS = (
    None,
    None,
    None,
    Struct("<B"),
    None,
    None,
    Struct("<?"),
    Struct("<q"),
    None,
    None,
    None,
)
Environment.START = 32
Environment.ROOT = bytes.fromhex("2800000042575331")


def block_environment(
    variables: tuple[Variable, ...] = (),
    working_dir: str = "",
    modules: tuple[str, ...] = (),
    installer: int = 0,
    requirements: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    check: bool = False,
    timeout_ms: int = 0,
    excludes: tuple[str, ...] = (),
    jars: tuple[str, ...] = (),
    jvm_flags: str = "",
) -> bytes:
    tail = b""
    if variables:
        variables_at = len(tail) + 60
        tail += flat.tables_chunk(variables, 8)
    else:
        variables_at = 52
    if working_dir:
        working_dir_at = len(tail) + 56
        tail += flat.string_chunk(working_dir)
    else:
        working_dir_at = 48
    if modules:
        modules_at = len(tail) + 52
        tail += flat.strings_chunk(modules)
    else:
        modules_at = 44
    if requirements:
        requirements_at = len(tail) + 44
        tail += flat.strings_chunk(requirements)
    else:
        requirements_at = 36
    if options:
        options_at = len(tail) + 40
        tail += flat.strings_chunk(options)
    else:
        options_at = 32
    if excludes:
        excludes_at = len(tail) + 24
        tail += flat.strings_chunk(excludes)
    else:
        excludes_at = 16
    if jars:
        jars_at = len(tail) + 20
        tail += flat.strings_chunk(jars)
    else:
        jars_at = 12
    if jvm_flags:
        jvm_flags_at = len(tail) + 16
        tail += flat.string_chunk(jvm_flags)
    else:
        jvm_flags_at = 8
    return (
        _ENVIRONMENT_BLOCK.pack(
            _ENVIRONMENT_HEAD,
            variables_at,
            working_dir_at,
            modules_at,
            installer,
            requirements_at,
            options_at,
            check,
            timeout_ms,
            excludes_at,
            jars_at,
            jvm_flags_at,
        )
        + tail
    )


def read_environment(data: bytes, at: int) -> Environment:
    if data[at - 32 : at + 4] == _ENVIRONMENT_HEAD:
        (
            variables,
            working_dir,
            modules,
            installer,
            requirements,
            options,
            check,
            timeout_ms,
            excludes,
            jars,
            jvm_flags,
        ) = _ENVIRONMENT_FIELDS.unpack_from(data, at + 4)
        variables += at + 4
        working_dir += at + 8
        modules += at + 12
        requirements += at + 20
        options += at + 24
        excludes += at + 40
        jars += at + 44
        jvm_flags += at + 48
    else:
        (
            variables,
            working_dir,
            modules,
            installer,
            requirements,
            options,
            check,
            timeout_ms,
            excludes,
            jars,
            jvm_flags,
        ) = flat.table_fields(data, at, _ENVIRONMENT_SLOTS)
    return Environment(
        flat.read_tables(data, variables, read_variable),
        flat.read_string(data, working_dir),
        flat.read_strings(data, modules),
        installer,
        flat.read_strings(data, requirements),
        flat.read_strings(data, options),
        check,
        timeout_ms,
        flat.read_strings(data, excludes),
        flat.read_strings(data, jars),
        flat.read_string(data, jvm_flags),
    )


class EnvironmentMake(Message):
    """Frontend to node: have this environment. Answered by EnvironmentMade once its packages are in place, or by Failure.

    Attributes:
        request: Names the request in answers.
        environment: What is wanted.
        job_default: True, from a driver: it is the job's own from here on.
    """

    __slots__ = (
        "request",
        "environment",
        "job_default",
    )

    def __init__(
        self,
        request: int = 0,
        environment: Environment | None = None,
        job_default: bool = False,
    ) -> None:
        self.request = request
        self.environment = environment
        self.job_default = job_default

    def block(self) -> bytes:
        return block_environment_make(self.request, self.environment, self.job_default)

    @staticmethod
    def read(data: bytes, at: int) -> EnvironmentMake:
        return read_environment_make(data, at)


_ENVIRONMENT_MAKE_HEAD = bytes.fromhex("0a00180008001000140000000000000010000000")
_ENVIRONMENT_MAKE_BLOCK = Struct("<20s 4x Q I ? 3x 8x")
_ENVIRONMENT_MAKE_FIELDS = Struct("<4x Q I ? 3x")
_ENVIRONMENT_MAKE_SLOTS = (
    Struct("<Q"),
    None,
    Struct("<?"),
)
EnvironmentMake.START = 16
EnvironmentMake.ROOT = bytes.fromhex("1800000042575331")


def block_environment_make(
    request: int = 0,
    environment: Environment | None = None,
    job_default: bool = False,
) -> bytes:
    tail = b""
    environment_at = len(tail) + 48
    tail += (environment or Environment()).block()
    return _ENVIRONMENT_MAKE_BLOCK.pack(_ENVIRONMENT_MAKE_HEAD, request, environment_at, job_default) + tail


def read_environment_make(data: bytes, at: int) -> EnvironmentMake:
    if data[at - 16 : at + 4] == _ENVIRONMENT_MAKE_HEAD:
        request, environment, job_default = _ENVIRONMENT_MAKE_FIELDS.unpack_from(data, at + 4)
        environment += at + 16
    else:
        request, environment, job_default = flat.table_fields(data, at, _ENVIRONMENT_MAKE_SLOTS)
    return EnvironmentMake(
        request,
        flat.read_table(data, environment, read_environment),
        job_default,
    )


class EnvironmentMade(Message):
    """Answer to EnvironmentMake.

    Attributes:
        request: The request.
        key: What names the environment in requests for workers.
        environment: The environment, its sources replaced by packages.
    """

    __slots__ = (
        "request",
        "key",
        "environment",
    )

    def __init__(
        self,
        request: int = 0,
        key: bytes = b"",
        environment: Environment | None = None,
    ) -> None:
        self.request = request
        self.key = key
        self.environment = environment

    def block(self) -> bytes:
        return block_environment_made(self.request, self.key, self.environment)

    @staticmethod
    def read(data: bytes, at: int) -> EnvironmentMade:
        return read_environment_made(data, at)


_ENVIRONMENT_MADE_HEAD = bytes.fromhex("0a00180008001000140000000000000010000000")
_ENVIRONMENT_MADE_BLOCK = Struct("<20s 4x Q I I 0x 8x")
_ENVIRONMENT_MADE_FIELDS = Struct("<4x Q I I 0x")
_ENVIRONMENT_MADE_SLOTS = (
    Struct("<Q"),
    None,
    None,
)
EnvironmentMade.START = 16
EnvironmentMade.ROOT = bytes.fromhex("1800000042575331")


def block_environment_made(
    request: int = 0,
    key: bytes = b"",
    environment: Environment | None = None,
) -> bytes:
    tail = b""
    if key:
        key_at = len(tail) + 16
        tail += flat.blob_chunk(key)
    else:
        key_at = 8
    environment_at = len(tail) + 44
    tail += (environment or Environment()).block()
    return _ENVIRONMENT_MADE_BLOCK.pack(_ENVIRONMENT_MADE_HEAD, request, key_at, environment_at) + tail


def read_environment_made(data: bytes, at: int) -> EnvironmentMade:
    if data[at - 16 : at + 4] == _ENVIRONMENT_MADE_HEAD:
        request, key, environment = _ENVIRONMENT_MADE_FIELDS.unpack_from(data, at + 4)
        key += at + 16
        environment += at + 20
    else:
        request, key, environment = flat.table_fields(data, at, _ENVIRONMENT_MADE_SLOTS)
    return EnvironmentMade(
        request,
        flat.read_blob(data, key),
        flat.read_table(data, environment, read_environment),
    )


class FunctionPut(Message):
    """Frontend to node: what a key stands for. The body is the blob, padded.

    Attributes:
        key: The key.
        language: Language that runs it.
        module: Python: module. Java: binary name of the class. Empty: see the blob.
        name: Python: qualified name. Java: name of the method; empty: the class itself.
        signature: Java: JVM descriptor of the method; empty: the only one of that name.
        length: Length of the blob: the function in its language's own serialization; 0: found by name.
        contains: References that the blob captures; held while the job lives.
    """

    __slots__ = (
        "key",
        "language",
        "module",
        "name",
        "signature",
        "length",
        "contains",
    )

    def __init__(
        self,
        key: bytes = bytes(16),
        language: int = 0,
        module: str = "",
        name: str = "",
        signature: str = "",
        length: int = 0,
        contains: tuple[ObjectRef, ...] = (),
    ) -> None:
        self.key = key
        self.language = language
        self.module = module
        self.name = name
        self.signature = signature
        self.length = length
        self.contains = contains

    def block(self) -> bytes:
        return block_function_put(
            self.key, self.language, self.module, self.name, self.signature, self.length, self.contains
        )

    @staticmethod
    def read(data: bytes, at: int) -> FunctionPut:
        return read_function_put(data, at)


_FUNCTION_PUT_HEAD = bytes.fromhex("120038000400140018001c0020002800300000000000000018000000")
_FUNCTION_PUT_BLOCK = Struct("<28s 16s B 3x I I I 4x Q I 4x 8x")
_FUNCTION_PUT_FIELDS = Struct("<16s B 3x I I I 4x Q I 4x")
_FUNCTION_PUT_SLOTS = (
    Struct("<16s"),
    Struct("<B"),
    None,
    None,
    None,
    Struct("<Q"),
    None,
)
FunctionPut.START = 24
FunctionPut.ROOT = bytes.fromhex("2000000042575331")


def block_function_put(
    key: bytes = bytes(16),
    language: int = 0,
    module: str = "",
    name: str = "",
    signature: str = "",
    length: int = 0,
    contains: tuple[ObjectRef, ...] = (),
) -> bytes:
    tail = b""
    if module:
        module_at = len(tail) + 40
        tail += flat.string_chunk(module)
    else:
        module_at = 32
    if name:
        name_at = len(tail) + 36
        tail += flat.string_chunk(name)
    else:
        name_at = 28
    if signature:
        signature_at = len(tail) + 32
        tail += flat.string_chunk(signature)
    else:
        signature_at = 24
    if contains:
        contains_at = len(tail) + 20
        tail += flat.wide_chunk(contains, OBJECT_REF)
    else:
        contains_at = 12
    return (
        _FUNCTION_PUT_BLOCK.pack(
            _FUNCTION_PUT_HEAD, key, language, module_at, name_at, signature_at, length, contains_at
        )
        + tail
    )


def read_function_put(data: bytes, at: int) -> FunctionPut:
    if data[at - 24 : at + 4] == _FUNCTION_PUT_HEAD:
        key, language, module, name, signature, length, contains = _FUNCTION_PUT_FIELDS.unpack_from(data, at + 4)
        module += at + 24
        name += at + 28
        signature += at + 32
        contains += at + 48
    else:
        key, language, module, name, signature, length, contains = flat.table_fields(data, at, _FUNCTION_PUT_SLOTS)
    return FunctionPut(
        key,
        language,
        flat.read_string(data, module),
        flat.read_string(data, name),
        flat.read_string(data, signature),
        length,
        flat.read_structs(data, contains, OBJECT_REF, ObjectRef),
    )


class FunctionGet(Message):
    """Worker to node: what does the key stand for? Answered by Function, once known.

    Attributes:
        request: Names the request in answers.
        key: The key.
    """

    __slots__ = (
        "request",
        "key",
    )

    def __init__(
        self,
        request: int = 0,
        key: bytes = bytes(16),
    ) -> None:
        self.request = request
        self.key = key

    def block(self) -> bytes:
        return block_function_get(self.request, self.key)

    @staticmethod
    def read(data: bytes, at: int) -> FunctionGet:
        return read_function_get(data, at)


_FUNCTION_GET_HEAD = bytes.fromhex("080020000800100008000000")
_FUNCTION_GET_BLOCK = Struct("<12s 4x Q 16s 0x 8x")
_FUNCTION_GET_FIELDS = Struct("<4x Q 16s 0x")
_FUNCTION_GET_SLOTS = (
    Struct("<Q"),
    Struct("<16s"),
)
FunctionGet.START = 8
FunctionGet.ROOT = bytes.fromhex("1000000042575331")


def block_function_get(
    request: int = 0,
    key: bytes = bytes(16),
) -> bytes:
    return _FUNCTION_GET_BLOCK.pack(_FUNCTION_GET_HEAD, request, key)


def read_function_get(data: bytes, at: int) -> FunctionGet:
    if data[at - 8 : at + 4] == _FUNCTION_GET_HEAD:
        request, key = _FUNCTION_GET_FIELDS.unpack_from(data, at + 4)
    else:
        request, key = flat.table_fields(data, at, _FUNCTION_GET_SLOTS)
    return FunctionGet(
        request,
        key,
    )


class Function(Message):
    """Answer to FunctionGet: the fields of FunctionPut. The body is the blob, padded.

    Attributes:
        request: The request.
        key: The key.
        language: Language that runs it.
        module: As in FunctionPut.
        name: As in FunctionPut.
        signature: As in FunctionPut.
        length: Length of the blob.
    """

    __slots__ = (
        "request",
        "key",
        "language",
        "module",
        "name",
        "signature",
        "length",
    )

    def __init__(
        self,
        request: int = 0,
        key: bytes = bytes(16),
        language: int = 0,
        module: str = "",
        name: str = "",
        signature: str = "",
        length: int = 0,
    ) -> None:
        self.request = request
        self.key = key
        self.language = language
        self.module = module
        self.name = name
        self.signature = signature
        self.length = length

    def block(self) -> bytes:
        return block_function(
            self.request, self.key, self.language, self.module, self.name, self.signature, self.length
        )

    @staticmethod
    def read(data: bytes, at: int) -> Function:
        return read_function(data, at)


_FUNCTION_HEAD = bytes.fromhex("12003800080010002000240028002c00300000000000000018000000")
_FUNCTION_BLOCK = Struct("<28s 4x Q 16s B 3x I I I Q 0x 8x")
_FUNCTION_FIELDS = Struct("<4x Q 16s B 3x I I I Q 0x")
_FUNCTION_SLOTS = (
    Struct("<Q"),
    Struct("<16s"),
    Struct("<B"),
    None,
    None,
    None,
    Struct("<Q"),
)
Function.START = 24
Function.ROOT = bytes.fromhex("2000000042575331")


def block_function(
    request: int = 0,
    key: bytes = bytes(16),
    language: int = 0,
    module: str = "",
    name: str = "",
    signature: str = "",
    length: int = 0,
) -> bytes:
    tail = b""
    if module:
        module_at = len(tail) + 28
        tail += flat.string_chunk(module)
    else:
        module_at = 20
    if name:
        name_at = len(tail) + 24
        tail += flat.string_chunk(name)
    else:
        name_at = 16
    if signature:
        signature_at = len(tail) + 20
        tail += flat.string_chunk(signature)
    else:
        signature_at = 12
    return _FUNCTION_BLOCK.pack(_FUNCTION_HEAD, request, key, language, module_at, name_at, signature_at, length) + tail


def read_function(data: bytes, at: int) -> Function:
    if data[at - 24 : at + 4] == _FUNCTION_HEAD:
        request, key, language, module, name, signature, length = _FUNCTION_FIELDS.unpack_from(data, at + 4)
        module += at + 36
        name += at + 40
        signature += at + 44
    else:
        request, key, language, module, name, signature, length = flat.table_fields(data, at, _FUNCTION_SLOTS)
    return Function(
        request,
        key,
        language,
        flat.read_string(data, module),
        flat.read_string(data, name),
        flat.read_string(data, signature),
        length,
    )


class LeaseRequest(Message):
    """Frontend to node: grant me workers. Answered by up to `count` LeaseGrant, or one Failure.

    Attributes:
        request: Names the request in answers.
        language: Language of the worker.
        count: How many leases are wanted; at least 1.
        backlog: Tasks that wait for these leases; for fairness and for display.
        language_version: The worker's language version must match this prefix; empty: any.
        environment: Hash of the runtime environment; empty: the job's own.
        resources: What each worker holds while leased. A resource that is absent is 0.
        jvm_flags: Extra JVM flags, as those of an environment; part of the key of the worker. Empty: none.
        placement_group: Placement group whose resources the worker uses; zeros: none.
        bundle: Number of the bundle in the group, from 1; 0: any.
        capture_children: True: what the worker's tasks submit goes to the same group, if it names none.
    """

    __slots__ = (
        "request",
        "language",
        "count",
        "backlog",
        "language_version",
        "environment",
        "resources",
        "jvm_flags",
        "placement_group",
        "bundle",
        "capture_children",
    )

    def __init__(
        self,
        request: int = 0,
        language: int = 0,
        count: int = 0,
        backlog: int = 0,
        language_version: str = "",
        environment: bytes = b"",
        resources: tuple[Resource, ...] = (),
        jvm_flags: str = "",
        placement_group: bytes = bytes(16),
        bundle: int = 0,
        capture_children: bool = False,
    ) -> None:
        self.request = request
        self.language = language
        self.count = count
        self.backlog = backlog
        self.language_version = language_version
        self.environment = environment
        self.resources = resources
        self.jvm_flags = jvm_flags
        self.placement_group = placement_group
        self.bundle = bundle
        self.capture_children = capture_children

    def block(self) -> bytes:
        return block_lease_request(
            self.request,
            self.language,
            self.count,
            self.backlog,
            self.language_version,
            self.environment,
            self.resources,
            self.jvm_flags,
            self.placement_group,
            self.bundle,
            self.capture_children,
        )

    @staticmethod
    def read(data: bytes, at: int) -> LeaseRequest:
        return read_lease_request(data, at)


_LEASE_REQUEST_HEAD = bytes.fromhex("1a00480008001000140018001c002000240028002c003c00400000000000000020000000")
_LEASE_REQUEST_BLOCK = Struct("<36s 4x Q B 3x I I I I I I 16s I ? 7x 8x")
_LEASE_REQUEST_FIELDS = Struct("<4x Q B 3x I I I I I I 16s I ? 7x")
_LEASE_REQUEST_SLOTS = (
    Struct("<Q"),
    Struct("<B"),
    Struct("<I"),
    Struct("<I"),
    None,
    None,
    None,
    None,
    Struct("<16s"),
    Struct("<I"),
    Struct("<?"),
)
LeaseRequest.START = 32
LeaseRequest.ROOT = bytes.fromhex("2800000042575331")


def block_lease_request(
    request: int = 0,
    language: int = 0,
    count: int = 0,
    backlog: int = 0,
    language_version: str = "",
    environment: bytes = b"",
    resources: tuple[Resource, ...] = (),
    jvm_flags: str = "",
    placement_group: bytes = bytes(16),
    bundle: int = 0,
    capture_children: bool = False,
) -> bytes:
    tail = b""
    if language_version:
        language_version_at = len(tail) + 52
        tail += flat.string_chunk(language_version)
    else:
        language_version_at = 44
    if environment:
        environment_at = len(tail) + 48
        tail += flat.blob_chunk(environment)
    else:
        environment_at = 40
    if resources:
        resources_at = len(tail) + 44
        tail += flat.tables_chunk(resources, 8)
    else:
        resources_at = 36
    if jvm_flags:
        jvm_flags_at = len(tail) + 40
        tail += flat.string_chunk(jvm_flags)
    else:
        jvm_flags_at = 32
    return (
        _LEASE_REQUEST_BLOCK.pack(
            _LEASE_REQUEST_HEAD,
            request,
            language,
            count,
            backlog,
            language_version_at,
            environment_at,
            resources_at,
            jvm_flags_at,
            placement_group,
            bundle,
            capture_children,
        )
        + tail
    )


def read_lease_request(data: bytes, at: int) -> LeaseRequest:
    if data[at - 32 : at + 4] == _LEASE_REQUEST_HEAD:
        (
            request,
            language,
            count,
            backlog,
            language_version,
            environment,
            resources,
            jvm_flags,
            placement_group,
            bundle,
            capture_children,
        ) = _LEASE_REQUEST_FIELDS.unpack_from(data, at + 4)
        language_version += at + 28
        environment += at + 32
        resources += at + 36
        jvm_flags += at + 40
    else:
        (
            request,
            language,
            count,
            backlog,
            language_version,
            environment,
            resources,
            jvm_flags,
            placement_group,
            bundle,
            capture_children,
        ) = flat.table_fields(data, at, _LEASE_REQUEST_SLOTS)
    return LeaseRequest(
        request,
        language,
        count,
        backlog,
        flat.read_string(data, language_version),
        flat.read_blob(data, environment),
        flat.read_tables(data, resources, read_resource),
        flat.read_string(data, jvm_flags),
        placement_group,
        bundle,
        capture_children,
    )


class LeaseGrant(Message):
    """Node to frontend: a worker is yours.

    Attributes:
        request: The request that this answers.
        lease: Names the lease on this node.
        worker: Process id (64 bits) of the worker.
        epoch: The worker's lease epoch: greater than that of every earlier lease on the same worker.
        pid: Operating system's process id of the worker.
        address: Path of the worker's Unix socket.
    """

    __slots__ = (
        "request",
        "lease",
        "worker",
        "epoch",
        "pid",
        "address",
    )

    def __init__(
        self,
        request: int = 0,
        lease: int = 0,
        worker: int = 0,
        epoch: int = 0,
        pid: int = 0,
        address: str = "",
    ) -> None:
        self.request = request
        self.lease = lease
        self.worker = worker
        self.epoch = epoch
        self.pid = pid
        self.address = address

    def block(self) -> bytes:
        return block_lease_grant(self.request, self.lease, self.worker, self.epoch, self.pid, self.address)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseGrant:
        return read_lease_grant(data, at)


_LEASE_GRANT_HEAD = bytes.fromhex("1000300008001000180020002400280010000000")
_LEASE_GRANT_BLOCK = Struct("<20s 4x Q Q Q I I I 4x 8x")
_LEASE_GRANT_FIELDS = Struct("<4x Q Q Q I I I 4x")
_LEASE_GRANT_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<I"),
    None,
)
LeaseGrant.START = 16
LeaseGrant.ROOT = bytes.fromhex("1800000042575331")


def block_lease_grant(
    request: int = 0,
    lease: int = 0,
    worker: int = 0,
    epoch: int = 0,
    pid: int = 0,
    address: str = "",
) -> bytes:
    tail = b""
    if address:
        address_at = len(tail) + 16
        tail += flat.string_chunk(address)
    else:
        address_at = 8
    return _LEASE_GRANT_BLOCK.pack(_LEASE_GRANT_HEAD, request, lease, worker, epoch, pid, address_at) + tail


def read_lease_grant(data: bytes, at: int) -> LeaseGrant:
    if data[at - 16 : at + 4] == _LEASE_GRANT_HEAD:
        request, lease, worker, epoch, pid, address = _LEASE_GRANT_FIELDS.unpack_from(data, at + 4)
        address += at + 40
    else:
        request, lease, worker, epoch, pid, address = flat.table_fields(data, at, _LEASE_GRANT_SLOTS)
    return LeaseGrant(
        request,
        lease,
        worker,
        epoch,
        pid,
        flat.read_string(data, address),
    )


class LeaseReturn(Message):
    """Frontend to node: the lease is no longer needed; no task of it is in flight.

    Attributes:
        lease: The lease.
    """

    __slots__ = ("lease",)

    def __init__(
        self,
        lease: int = 0,
    ) -> None:
        self.lease = lease

    def block(self) -> bytes:
        return block_lease_return(self.lease)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseReturn:
        return read_lease_return(data, at)


_LEASE_RETURN_HEAD = bytes.fromhex("060010000800000008000000")
_LEASE_RETURN_BLOCK = Struct("<12s 4x Q 0x 8x")
_LEASE_RETURN_FIELDS = Struct("<4x Q 0x")
_LEASE_RETURN_SLOTS = (Struct("<Q"),)
LeaseReturn.START = 8
LeaseReturn.ROOT = bytes.fromhex("1000000042575331")


def block_lease_return(
    lease: int = 0,
) -> bytes:
    return _LEASE_RETURN_BLOCK.pack(_LEASE_RETURN_HEAD, lease)


def read_lease_return(data: bytes, at: int) -> LeaseReturn:
    if data[at - 8 : at + 4] == _LEASE_RETURN_HEAD:
        (lease,) = _LEASE_RETURN_FIELDS.unpack_from(data, at + 4)
    else:
        (lease,) = flat.table_fields(data, at, _LEASE_RETURN_SLOTS)
    return LeaseReturn(
        lease,
    )


class LeaseRecall(Message):
    """Node to frontend: finish what is in flight under the lease, take back what is queued, and return it.

    Attributes:
        lease: The lease.
    """

    __slots__ = ("lease",)

    def __init__(
        self,
        lease: int = 0,
    ) -> None:
        self.lease = lease

    def block(self) -> bytes:
        return block_lease_recall(self.lease)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseRecall:
        return read_lease_recall(data, at)


_LEASE_RECALL_HEAD = bytes.fromhex("060010000800000008000000")
_LEASE_RECALL_BLOCK = Struct("<12s 4x Q 0x 8x")
_LEASE_RECALL_FIELDS = Struct("<4x Q 0x")
_LEASE_RECALL_SLOTS = (Struct("<Q"),)
LeaseRecall.START = 8
LeaseRecall.ROOT = bytes.fromhex("1000000042575331")


def block_lease_recall(
    lease: int = 0,
) -> bytes:
    return _LEASE_RECALL_BLOCK.pack(_LEASE_RECALL_HEAD, lease)


def read_lease_recall(data: bytes, at: int) -> LeaseRecall:
    if data[at - 8 : at + 4] == _LEASE_RECALL_HEAD:
        (lease,) = _LEASE_RECALL_FIELDS.unpack_from(data, at + 4)
    else:
        (lease,) = flat.table_fields(data, at, _LEASE_RECALL_SLOTS)
    return LeaseRecall(
        lease,
    )


class LeaseRevoke(Message):
    """Node to worker: bounce every task of an epoch up to this one.

    Attributes:
        lease: The lease.
        epoch: The epoch that ends.
    """

    __slots__ = (
        "lease",
        "epoch",
    )

    def __init__(
        self,
        lease: int = 0,
        epoch: int = 0,
    ) -> None:
        self.lease = lease
        self.epoch = epoch

    def block(self) -> bytes:
        return block_lease_revoke(self.lease, self.epoch)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseRevoke:
        return read_lease_revoke(data, at)


_LEASE_REVOKE_HEAD = bytes.fromhex("080018000800100008000000")
_LEASE_REVOKE_BLOCK = Struct("<12s 4x Q I 4x 8x")
_LEASE_REVOKE_FIELDS = Struct("<4x Q I 4x")
_LEASE_REVOKE_SLOTS = (
    Struct("<Q"),
    Struct("<I"),
)
LeaseRevoke.START = 8
LeaseRevoke.ROOT = bytes.fromhex("1000000042575331")


def block_lease_revoke(
    lease: int = 0,
    epoch: int = 0,
) -> bytes:
    return _LEASE_REVOKE_BLOCK.pack(_LEASE_REVOKE_HEAD, lease, epoch)


def read_lease_revoke(data: bytes, at: int) -> LeaseRevoke:
    if data[at - 8 : at + 4] == _LEASE_REVOKE_HEAD:
        lease, epoch = _LEASE_REVOKE_FIELDS.unpack_from(data, at + 4)
    else:
        lease, epoch = flat.table_fields(data, at, _LEASE_REVOKE_SLOTS)
    return LeaseRevoke(
        lease,
        epoch,
    )


class LeaseRevoked(Message):
    """Worker to node: no task of the epoch runs or will run.

    Attributes:
        lease: The lease.
        epoch: The epoch that ended.
    """

    __slots__ = (
        "lease",
        "epoch",
    )

    def __init__(
        self,
        lease: int = 0,
        epoch: int = 0,
    ) -> None:
        self.lease = lease
        self.epoch = epoch

    def block(self) -> bytes:
        return block_lease_revoked(self.lease, self.epoch)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseRevoked:
        return read_lease_revoked(data, at)


_LEASE_REVOKED_HEAD = bytes.fromhex("080018000800100008000000")
_LEASE_REVOKED_BLOCK = Struct("<12s 4x Q I 4x 8x")
_LEASE_REVOKED_FIELDS = Struct("<4x Q I 4x")
_LEASE_REVOKED_SLOTS = (
    Struct("<Q"),
    Struct("<I"),
)
LeaseRevoked.START = 8
LeaseRevoked.ROOT = bytes.fromhex("1000000042575331")


def block_lease_revoked(
    lease: int = 0,
    epoch: int = 0,
) -> bytes:
    return _LEASE_REVOKED_BLOCK.pack(_LEASE_REVOKED_HEAD, lease, epoch)


def read_lease_revoked(data: bytes, at: int) -> LeaseRevoked:
    if data[at - 8 : at + 4] == _LEASE_REVOKED_HEAD:
        lease, epoch = _LEASE_REVOKED_FIELDS.unpack_from(data, at + 4)
    else:
        lease, epoch = flat.table_fields(data, at, _LEASE_REVOKED_SLOTS)
    return LeaseRevoked(
        lease,
        epoch,
    )


class LeaseEnded(Message):
    """Node to frontend: the worker's process has ended, and the lease with it.

    Attributes:
        lease: The lease; 0: none (the worker was an actor's, or idle).
        worker: Process id (64 bits) of the worker.
        error: How it ended.
    """

    __slots__ = (
        "lease",
        "worker",
        "error",
    )

    def __init__(
        self,
        lease: int = 0,
        worker: int = 0,
        error: ErrorRecord | None = None,
    ) -> None:
        self.lease = lease
        self.worker = worker
        self.error = error

    def block(self) -> bytes:
        return block_lease_ended(self.lease, self.worker, self.error)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseEnded:
        return read_lease_ended(data, at)


_LEASE_ENDED_HEAD = bytes.fromhex("0a00200008001000180000000000000010000000")
_LEASE_ENDED_BLOCK = Struct("<20s 4x Q Q I 4x 8x")
_LEASE_ENDED_FIELDS = Struct("<4x Q Q I 4x")
_LEASE_ENDED_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    None,
)
LeaseEnded.START = 16
LeaseEnded.ROOT = bytes.fromhex("1800000042575331")


def block_lease_ended(
    lease: int = 0,
    worker: int = 0,
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    error_at = len(tail) + 48
    tail += (error or ErrorRecord()).block()
    return _LEASE_ENDED_BLOCK.pack(_LEASE_ENDED_HEAD, lease, worker, error_at) + tail


def read_lease_ended(data: bytes, at: int) -> LeaseEnded:
    if data[at - 16 : at + 4] == _LEASE_ENDED_HEAD:
        lease, worker, error = _LEASE_ENDED_FIELDS.unpack_from(data, at + 4)
        error += at + 24
    else:
        lease, worker, error = flat.table_fields(data, at, _LEASE_ENDED_SLOTS)
    return LeaseEnded(
        lease,
        worker,
        flat.read_table(data, error, read_error_record),
    )


class LeaseWithdraw(Message):
    """Frontend to node: forget a LeaseRequest. Grants under way are still answered with LeaseReturn.

    Attributes:
        request: The request.
    """

    __slots__ = ("request",)

    def __init__(
        self,
        request: int = 0,
    ) -> None:
        self.request = request

    def block(self) -> bytes:
        return block_lease_withdraw(self.request)

    @staticmethod
    def read(data: bytes, at: int) -> LeaseWithdraw:
        return read_lease_withdraw(data, at)


_LEASE_WITHDRAW_HEAD = bytes.fromhex("060010000800000008000000")
_LEASE_WITHDRAW_BLOCK = Struct("<12s 4x Q 0x 8x")
_LEASE_WITHDRAW_FIELDS = Struct("<4x Q 0x")
_LEASE_WITHDRAW_SLOTS = (Struct("<Q"),)
LeaseWithdraw.START = 8
LeaseWithdraw.ROOT = bytes.fromhex("1000000042575331")


def block_lease_withdraw(
    request: int = 0,
) -> bytes:
    return _LEASE_WITHDRAW_BLOCK.pack(_LEASE_WITHDRAW_HEAD, request)


def read_lease_withdraw(data: bytes, at: int) -> LeaseWithdraw:
    if data[at - 8 : at + 4] == _LEASE_WITHDRAW_HEAD:
        (request,) = _LEASE_WITHDRAW_FIELDS.unpack_from(data, at + 4)
    else:
        (request,) = flat.table_fields(data, at, _LEASE_WITHDRAW_SLOTS)
    return LeaseWithdraw(
        request,
    )


class Blocked(Message):
    """Worker to node: its task waits for an object; its CPU is free meanwhile.

    Attributes:
        epoch: Epoch of the lease; 0: an actor's worker.
        actor: The actor whose call it is, in a process that several share; zeros: the process has one lease.
    """

    __slots__ = (
        "epoch",
        "actor",
    )

    def __init__(
        self,
        epoch: int = 0,
        actor: bytes = bytes(16),
    ) -> None:
        self.epoch = epoch
        self.actor = actor

    def block(self) -> bytes:
        return block_blocked(self.epoch, self.actor)

    @staticmethod
    def read(data: bytes, at: int) -> Blocked:
        return read_blocked(data, at)


_BLOCKED_HEAD = bytes.fromhex("080018000400080008000000")
_BLOCKED_BLOCK = Struct("<12s I 16s 0x 8x")
_BLOCKED_FIELDS = Struct("<I 16s 0x")
_BLOCKED_SLOTS = (
    Struct("<I"),
    Struct("<16s"),
)
Blocked.START = 8
Blocked.ROOT = bytes.fromhex("1000000042575331")


def block_blocked(
    epoch: int = 0,
    actor: bytes = bytes(16),
) -> bytes:
    return _BLOCKED_BLOCK.pack(_BLOCKED_HEAD, epoch, actor)


def read_blocked(data: bytes, at: int) -> Blocked:
    if data[at - 8 : at + 4] == _BLOCKED_HEAD:
        epoch, actor = _BLOCKED_FIELDS.unpack_from(data, at + 4)
    else:
        epoch, actor = flat.table_fields(data, at, _BLOCKED_SLOTS)
    return Blocked(
        epoch,
        actor,
    )


class Unblocked(Message):
    """Worker to node: its task goes on.

    Attributes:
        epoch: Epoch of the lease; 0: an actor's worker.
        actor: The actor whose call it is, in a process that several share; zeros: the process has one lease.
    """

    __slots__ = (
        "epoch",
        "actor",
    )

    def __init__(
        self,
        epoch: int = 0,
        actor: bytes = bytes(16),
    ) -> None:
        self.epoch = epoch
        self.actor = actor

    def block(self) -> bytes:
        return block_unblocked(self.epoch, self.actor)

    @staticmethod
    def read(data: bytes, at: int) -> Unblocked:
        return read_unblocked(data, at)


_UNBLOCKED_HEAD = bytes.fromhex("080018000400080008000000")
_UNBLOCKED_BLOCK = Struct("<12s I 16s 0x 8x")
_UNBLOCKED_FIELDS = Struct("<I 16s 0x")
_UNBLOCKED_SLOTS = (
    Struct("<I"),
    Struct("<16s"),
)
Unblocked.START = 8
Unblocked.ROOT = bytes.fromhex("1000000042575331")


def block_unblocked(
    epoch: int = 0,
    actor: bytes = bytes(16),
) -> bytes:
    return _UNBLOCKED_BLOCK.pack(_UNBLOCKED_HEAD, epoch, actor)


def read_unblocked(data: bytes, at: int) -> Unblocked:
    if data[at - 8 : at + 4] == _UNBLOCKED_HEAD:
        epoch, actor = _UNBLOCKED_FIELDS.unpack_from(data, at + 4)
    else:
        epoch, actor = flat.table_fields(data, at, _UNBLOCKED_SLOTS)
    return Unblocked(
        epoch,
        actor,
    )


class WorkerEnding(Message):
    """Worker to node: this process is about to end, and knows why.

    Attributes:
        error: What its end is told as.
    """

    __slots__ = ("error",)

    def __init__(
        self,
        error: ErrorRecord | None = None,
    ) -> None:
        self.error = error

    def block(self) -> bytes:
        return block_worker_ending(self.error)

    @staticmethod
    def read(data: bytes, at: int) -> WorkerEnding:
        return read_worker_ending(data, at)


_WORKER_ENDING_HEAD = bytes.fromhex("060008000400000008000000")
_WORKER_ENDING_BLOCK = Struct("<12s I 0x 8x")
_WORKER_ENDING_FIELDS = Struct("<I 0x")
_WORKER_ENDING_SLOTS = (None,)
WorkerEnding.START = 8
WorkerEnding.ROOT = bytes.fromhex("1000000042575331")


def block_worker_ending(
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    error_at = len(tail) + 44
    tail += (error or ErrorRecord()).block()
    return _WORKER_ENDING_BLOCK.pack(_WORKER_ENDING_HEAD, error_at) + tail


def read_worker_ending(data: bytes, at: int) -> WorkerEnding:
    if data[at - 8 : at + 4] == _WORKER_ENDING_HEAD:
        (error,) = _WORKER_ENDING_FIELDS.unpack_from(data, at + 4)
        error += at + 4
    else:
        (error,) = flat.table_fields(data, at, _WORKER_ENDING_SLOTS)
    return WorkerEnding(
        flat.read_table(data, error, read_error_record),
    )


class WorkerBind(Message):
    """Node to worker, before its first lease: the job that it serves from now on.

    Attributes:
        job: The job.
        visible_gpus: GPUs that this worker may see, as in CUDA_VISIBLE_DEVICES; "-": leave as it is.
        python_path: Where to look for Python modules, first first.
        class_path: Where to look for Java classes, first first.
        working_directory: Working directory; empty: stay.
        namespace: Namespace of the job's named actors.
        environment_key: Key of the runtime environment that the process has; empty: none.
        environment: The environment itself: what children inherit.
        placement_group: Placement group whose resources this worker uses; zeros: none.
        capture_children: True: what the worker's tasks submit goes to the same group, if it names none.
    """

    __slots__ = (
        "job",
        "visible_gpus",
        "python_path",
        "class_path",
        "working_directory",
        "namespace",
        "environment_key",
        "environment",
        "placement_group",
        "capture_children",
    )

    def __init__(
        self,
        job: int = 0,
        visible_gpus: str = "",
        python_path: tuple[str, ...] = (),
        class_path: tuple[str, ...] = (),
        working_directory: str = "",
        namespace: str = "",
        environment_key: bytes = b"",
        environment: Environment | None = None,
        placement_group: bytes = bytes(16),
        capture_children: bool = False,
    ) -> None:
        self.job = job
        self.visible_gpus = visible_gpus
        self.python_path = python_path
        self.class_path = class_path
        self.working_directory = working_directory
        self.namespace = namespace
        self.environment_key = environment_key
        self.environment = environment
        self.placement_group = placement_group
        self.capture_children = capture_children

    def block(self) -> bytes:
        return block_worker_bind(
            self.job,
            self.visible_gpus,
            self.python_path,
            self.class_path,
            self.working_directory,
            self.namespace,
            self.environment_key,
            self.environment,
            self.placement_group,
            self.capture_children,
        )

    @staticmethod
    def read(data: bytes, at: int) -> WorkerBind:
        return read_worker_bind(data, at)


_WORKER_BIND_HEAD = bytes.fromhex("18003800040008000c001000140018001c0020002400340018000000")
_WORKER_BIND_BLOCK = Struct("<28s I I I I I I I I 16s ? 3x 8x")
_WORKER_BIND_FIELDS = Struct("<I I I I I I I I 16s ? 3x")
_WORKER_BIND_SLOTS = (
    Struct("<I"),
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    Struct("<16s"),
    Struct("<?"),
)
WorkerBind.START = 24
WorkerBind.ROOT = bytes.fromhex("2000000042575331")


def block_worker_bind(
    job: int = 0,
    visible_gpus: str = "",
    python_path: tuple[str, ...] = (),
    class_path: tuple[str, ...] = (),
    working_directory: str = "",
    namespace: str = "",
    environment_key: bytes = b"",
    environment: Environment | None = None,
    placement_group: bytes = bytes(16),
    capture_children: bool = False,
) -> bytes:
    tail = b""
    if visible_gpus:
        visible_gpus_at = len(tail) + 56
        tail += flat.string_chunk(visible_gpus)
    else:
        visible_gpus_at = 48
    if python_path:
        python_path_at = len(tail) + 52
        tail += flat.strings_chunk(python_path)
    else:
        python_path_at = 44
    if class_path:
        class_path_at = len(tail) + 48
        tail += flat.strings_chunk(class_path)
    else:
        class_path_at = 40
    if working_directory:
        working_directory_at = len(tail) + 44
        tail += flat.string_chunk(working_directory)
    else:
        working_directory_at = 36
    if namespace:
        namespace_at = len(tail) + 40
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 32
    if environment_key:
        environment_key_at = len(tail) + 36
        tail += flat.blob_chunk(environment_key)
    else:
        environment_key_at = 28
    environment_at = len(tail) + 64
    tail += (environment or Environment()).block()
    return (
        _WORKER_BIND_BLOCK.pack(
            _WORKER_BIND_HEAD,
            job,
            visible_gpus_at,
            python_path_at,
            class_path_at,
            working_directory_at,
            namespace_at,
            environment_key_at,
            environment_at,
            placement_group,
            capture_children,
        )
        + tail
    )


def read_worker_bind(data: bytes, at: int) -> WorkerBind:
    if data[at - 24 : at + 4] == _WORKER_BIND_HEAD:
        (
            job,
            visible_gpus,
            python_path,
            class_path,
            working_directory,
            namespace,
            environment_key,
            environment,
            placement_group,
            capture_children,
        ) = _WORKER_BIND_FIELDS.unpack_from(data, at + 4)
        visible_gpus += at + 8
        python_path += at + 12
        class_path += at + 16
        working_directory += at + 20
        namespace += at + 24
        environment_key += at + 28
        environment += at + 32
    else:
        (
            job,
            visible_gpus,
            python_path,
            class_path,
            working_directory,
            namespace,
            environment_key,
            environment,
            placement_group,
            capture_children,
        ) = flat.table_fields(data, at, _WORKER_BIND_SLOTS)
    return WorkerBind(
        job,
        flat.read_string(data, visible_gpus),
        flat.read_strings(data, python_path),
        flat.read_strings(data, class_path),
        flat.read_string(data, working_directory),
        flat.read_string(data, namespace),
        flat.read_blob(data, environment_key),
        flat.read_table(data, environment, read_environment),
        placement_group,
        capture_children,
    )


class ObjectHeader(Message):
    """Header of an object image.

    Attributes:
        encoding: How buffer 0 is to be read; required.
        element: TENSOR: type of the elements; else UNSPECIFIED.
        single_batch: ARROW: true if the value is one record batch, false if a table.
        buffers: The buffers, each aligned to 64 bytes, in order, not overlapping.
        shape: TENSOR: length of each dimension; row-major, without gaps. Empty: a scalar.
        plain_array: TENSOR: true if the value was a plain array of its writer's language, as Java's int[], and no tensor.
    """

    __slots__ = (
        "encoding",
        "element",
        "single_batch",
        "buffers",
        "shape",
        "plain_array",
    )

    def __init__(
        self,
        encoding: int = 0,
        element: int = 0,
        single_batch: bool = False,
        buffers: tuple[Span, ...] = (),
        shape: tuple[int, ...] = (),
        plain_array: bool = False,
    ) -> None:
        self.encoding = encoding
        self.element = element
        self.single_batch = single_batch
        self.buffers = buffers
        self.shape = shape
        self.plain_array = plain_array

    def block(self) -> bytes:
        return block_object_header(
            self.encoding, self.element, self.single_batch, self.buffers, self.shape, self.plain_array
        )

    @staticmethod
    def read(data: bytes, at: int) -> ObjectHeader:
        return read_object_header(data, at)


_OBJECT_HEADER_HEAD = bytes.fromhex("1000180004000500060008000c00100010000000")
_OBJECT_HEADER_BLOCK = Struct("<20s B B ? 1x I I ? 7x 8x")
_OBJECT_HEADER_FIELDS = Struct("<B B ? 1x I I ? 7x")
_OBJECT_HEADER_SLOTS = (
    Struct("<B"),
    Struct("<B"),
    Struct("<?"),
    None,
    None,
    Struct("<?"),
)
ObjectHeader.START = 16
ObjectHeader.ROOT = bytes.fromhex("1800000042575331")


def block_object_header(
    encoding: int = 0,
    element: int = 0,
    single_batch: bool = False,
    buffers: tuple[Span, ...] = (),
    shape: tuple[int, ...] = (),
    plain_array: bool = False,
) -> bytes:
    tail = b""
    if buffers:
        buffers_at = len(tail) + 28
        tail += flat.wide_chunk(buffers, SPAN)
    else:
        buffers_at = 20
    if shape:
        shape_at = len(tail) + 24
        tail += flat.wide_chunk(shape, "q")
    else:
        shape_at = 16
    return (
        _OBJECT_HEADER_BLOCK.pack(
            _OBJECT_HEADER_HEAD, encoding, element, single_batch, buffers_at, shape_at, plain_array
        )
        + tail
    )


def read_object_header(data: bytes, at: int) -> ObjectHeader:
    if data[at - 16 : at + 4] == _OBJECT_HEADER_HEAD:
        encoding, element, single_batch, buffers, shape, plain_array = _OBJECT_HEADER_FIELDS.unpack_from(data, at + 4)
        buffers += at + 8
        shape += at + 12
    else:
        encoding, element, single_batch, buffers, shape, plain_array = flat.table_fields(data, at, _OBJECT_HEADER_SLOTS)
    if encoding > 7:
        raise flat.unknown_value("ObjectHeader.encoding", encoding)
    return ObjectHeader(
        encoding,
        element,
        single_batch,
        flat.read_structs(data, buffers, SPAN, Span),
        flat.read_scalars(data, shape, "q"),
        plain_array,
    )


class ObjectPublish(Message):
    """Frontend to home: an object exists. The body is the payload if INLINE.

    Attributes:
        ref: The object, its owner and home.
        state: PENDING or INLINE.
        encoding: INLINE: how the payload is written.
        layout: INLINE: how the payload is laid out.
        length: INLINE: length of the payload; the body is padded.
        contains: References inside the value; held while this object lives.
    """

    __slots__ = (
        "ref",
        "state",
        "encoding",
        "layout",
        "length",
        "contains",
    )

    def __init__(
        self,
        ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        state: int = 0,
        encoding: int = 0,
        layout: int = 0,
        length: int = 0,
        contains: tuple[ObjectRef, ...] = (),
    ) -> None:
        self.ref = ref
        self.state = state
        self.encoding = encoding
        self.layout = layout
        self.length = length
        self.contains = contains

    def block(self) -> bytes:
        return block_object_publish(self.ref, self.state, self.encoding, self.layout, self.length, self.contains)

    @staticmethod
    def read(data: bytes, at: int) -> ObjectPublish:
        return read_object_publish(data, at)


_OBJECT_PUBLISH_HEAD = bytes.fromhex("1000480008003000310032003800400010000000")
_OBJECT_PUBLISH_BLOCK = Struct("<20s 4x 20s I Q Q B B B 5x Q I 4x 8x")
_OBJECT_PUBLISH_FIELDS = Struct("<4x 20s I Q Q B B B 5x Q I 4x")
_OBJECT_PUBLISH_SLOTS = (
    Struct("<20s I Q Q"),
    Struct("<B"),
    Struct("<B"),
    Struct("<B"),
    Struct("<Q"),
    None,
)
ObjectPublish.START = 16
ObjectPublish.ROOT = bytes.fromhex("1800000042575331")


def block_object_publish(
    ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    state: int = 0,
    encoding: int = 0,
    layout: int = 0,
    length: int = 0,
    contains: tuple[ObjectRef, ...] = (),
) -> bytes:
    tail = b""
    if contains:
        contains_at = len(tail) + 20
        tail += flat.wide_chunk(contains, OBJECT_REF)
    else:
        contains_at = 12
    return _OBJECT_PUBLISH_BLOCK.pack(_OBJECT_PUBLISH_HEAD, *ref, state, encoding, layout, length, contains_at) + tail


def read_object_publish(data: bytes, at: int) -> ObjectPublish:
    if data[at - 16 : at + 4] == _OBJECT_PUBLISH_HEAD:
        ref_0, ref_1, ref_2, ref_3, state, encoding, layout, length, contains = _OBJECT_PUBLISH_FIELDS.unpack_from(
            data, at + 4
        )
        contains += at + 64
    else:
        ref_0, ref_1, ref_2, ref_3, state, encoding, layout, length, contains = flat.table_fields(
            data, at, _OBJECT_PUBLISH_SLOTS
        )
    if state > 3:
        raise flat.unknown_value("ObjectPublish.state", state)
    if encoding > 7:
        raise flat.unknown_value("ObjectPublish.encoding", encoding)
    if layout > 2:
        raise flat.unknown_value("ObjectPublish.layout", layout)
    return ObjectPublish(
        ObjectRef(ref_0, ref_1, ref_2, ref_3),
        state,
        encoding,
        layout,
        length,
        flat.read_structs(data, contains, OBJECT_REF, ObjectRef),
    )


class ObjectSeal(Message):
    """Frontend to node: the image is written; nobody will write there until the extent is granted again.

    Attributes:
        ref: The object, its owner and home.
        location: Where the image lies.
        extent: The extent that holds it.
        encoding: How the value is written.
        contains: References inside the value; held while this object lives.
    """

    __slots__ = (
        "ref",
        "location",
        "extent",
        "encoding",
        "contains",
    )

    def __init__(
        self,
        ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        location: Location = Location(0, 0, 0, 0),
        extent: int = 0,
        encoding: int = 0,
        contains: tuple[ObjectRef, ...] = (),
    ) -> None:
        self.ref = ref
        self.location = location
        self.extent = extent
        self.encoding = encoding
        self.contains = contains

    def block(self) -> bytes:
        return block_object_seal(self.ref, self.location, self.extent, self.encoding, self.contains)

    @staticmethod
    def read(data: bytes, at: int) -> ObjectSeal:
        return read_object_seal(data, at)


_OBJECT_SEAL_HEAD = bytes.fromhex("0e00580008003000480050005400000010000000")
_OBJECT_SEAL_BLOCK = Struct("<20s 4x 20s I Q Q I I Q Q Q B 3x I 0x 8x")
_OBJECT_SEAL_FIELDS = Struct("<4x 20s I Q Q I I Q Q Q B 3x I 0x")
_OBJECT_SEAL_SLOTS = (
    Struct("<20s I Q Q"),
    Struct("<I I Q Q"),
    Struct("<Q"),
    Struct("<B"),
    None,
)
ObjectSeal.START = 16
ObjectSeal.ROOT = bytes.fromhex("1800000042575331")


def block_object_seal(
    ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    location: Location = Location(0, 0, 0, 0),
    extent: int = 0,
    encoding: int = 0,
    contains: tuple[ObjectRef, ...] = (),
) -> bytes:
    tail = b""
    if contains:
        contains_at = len(tail) + 16
        tail += flat.wide_chunk(contains, OBJECT_REF)
    else:
        contains_at = 8
    return _OBJECT_SEAL_BLOCK.pack(_OBJECT_SEAL_HEAD, *ref, *location, extent, encoding, contains_at) + tail


def read_object_seal(data: bytes, at: int) -> ObjectSeal:
    if data[at - 16 : at + 4] == _OBJECT_SEAL_HEAD:
        ref_0, ref_1, ref_2, ref_3, location_0, location_1, location_2, location_3, extent, encoding, contains = (
            _OBJECT_SEAL_FIELDS.unpack_from(data, at + 4)
        )
        contains += at + 84
    else:
        ref_0, ref_1, ref_2, ref_3, location_0, location_1, location_2, location_3, extent, encoding, contains = (
            flat.table_fields(data, at, _OBJECT_SEAL_SLOTS)
        )
    if encoding > 7:
        raise flat.unknown_value("ObjectSeal.encoding", encoding)
    return ObjectSeal(
        ObjectRef(ref_0, ref_1, ref_2, ref_3),
        Location(location_0, location_1, location_2, location_3),
        extent,
        encoding,
        flat.read_structs(data, contains, OBJECT_REF, ObjectRef),
    )


class ObjectGet(Message):
    """Frontend to home: answer with an ObjectValue once the object is ready, or a Failure.

    Attributes:
        request: Names the request in answers.
        ref: The object.
        mode: What is wanted.
        reader: Language that will read the value: it is transcoded if need be.
    """

    __slots__ = (
        "request",
        "ref",
        "mode",
        "reader",
    )

    def __init__(
        self,
        request: int = 0,
        ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        mode: int = 0,
        reader: int = 0,
    ) -> None:
        self.request = request
        self.ref = ref
        self.mode = mode
        self.reader = reader

    def block(self) -> bytes:
        return block_object_get(self.request, self.ref, self.mode, self.reader)

    @staticmethod
    def read(data: bytes, at: int) -> ObjectGet:
        return read_object_get(data, at)


_OBJECT_GET_HEAD = bytes.fromhex("0c00400008001000380039000000000010000000")
_OBJECT_GET_BLOCK = Struct("<20s 4x Q 20s I Q Q B B 6x 8x")
_OBJECT_GET_FIELDS = Struct("<4x Q 20s I Q Q B B 6x")
_OBJECT_GET_SLOTS = (
    Struct("<Q"),
    Struct("<20s I Q Q"),
    Struct("<B"),
    Struct("<B"),
)
ObjectGet.START = 16
ObjectGet.ROOT = bytes.fromhex("1800000042575331")


def block_object_get(
    request: int = 0,
    ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    mode: int = 0,
    reader: int = 0,
) -> bytes:
    return _OBJECT_GET_BLOCK.pack(_OBJECT_GET_HEAD, request, *ref, mode, reader)


def read_object_get(data: bytes, at: int) -> ObjectGet:
    if data[at - 16 : at + 4] == _OBJECT_GET_HEAD:
        request, ref_0, ref_1, ref_2, ref_3, mode, reader = _OBJECT_GET_FIELDS.unpack_from(data, at + 4)
    else:
        request, ref_0, ref_1, ref_2, ref_3, mode, reader = flat.table_fields(data, at, _OBJECT_GET_SLOTS)
    return ObjectGet(
        request,
        ObjectRef(ref_0, ref_1, ref_2, ref_3),
        mode,
        reader,
    )


class ObjectValue(Message):
    """Answer to ObjectGet. The body is the payload if INLINE.

    Attributes:
        request: The request.
        state: INLINE or STORED. With GetMode READY: the same, with no body and no pin.
        encoding: How the value is written.
        layout: INLINE: how the payload is laid out.
        length: INLINE: length of the payload; the body is padded.
        pin: STORED: names the pin, for ObjectUnpin.
        location: STORED: where the image lies.
        segment_path: STORED: file to open and map read-only.
        segment_length: STORED: length of the segment in bytes.
    """

    __slots__ = (
        "request",
        "state",
        "encoding",
        "layout",
        "length",
        "pin",
        "location",
        "segment_path",
        "segment_length",
    )

    def __init__(
        self,
        request: int = 0,
        state: int = 0,
        encoding: int = 0,
        layout: int = 0,
        length: int = 0,
        pin: int = 0,
        location: Location = Location(0, 0, 0, 0),
        segment_path: str = "",
        segment_length: int = 0,
    ) -> None:
        self.request = request
        self.state = state
        self.encoding = encoding
        self.layout = layout
        self.length = length
        self.pin = pin
        self.location = location
        self.segment_path = segment_path
        self.segment_length = segment_length

    def block(self) -> bytes:
        return block_object_value(
            self.request,
            self.state,
            self.encoding,
            self.layout,
            self.length,
            self.pin,
            self.location,
            self.segment_path,
            self.segment_length,
        )

    @staticmethod
    def read(data: bytes, at: int) -> ObjectValue:
        return read_object_value(data, at)


_OBJECT_VALUE_HEAD = bytes.fromhex("16005000080010001100120018002000280040004800000018000000")
_OBJECT_VALUE_BLOCK = Struct("<28s 4x Q B B B 5x Q Q I I Q Q I 4x Q 0x 8x")
_OBJECT_VALUE_FIELDS = Struct("<4x Q B B B 5x Q Q I I Q Q I 4x Q 0x")
_OBJECT_VALUE_SLOTS = (
    Struct("<Q"),
    Struct("<B"),
    Struct("<B"),
    Struct("<B"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I I Q Q"),
    None,
    Struct("<Q"),
)
ObjectValue.START = 24
ObjectValue.ROOT = bytes.fromhex("2000000042575331")


def block_object_value(
    request: int = 0,
    state: int = 0,
    encoding: int = 0,
    layout: int = 0,
    length: int = 0,
    pin: int = 0,
    location: Location = Location(0, 0, 0, 0),
    segment_path: str = "",
    segment_length: int = 0,
) -> bytes:
    tail = b""
    if segment_path:
        segment_path_at = len(tail) + 24
        tail += flat.string_chunk(segment_path)
    else:
        segment_path_at = 16
    return (
        _OBJECT_VALUE_BLOCK.pack(
            _OBJECT_VALUE_HEAD,
            request,
            state,
            encoding,
            layout,
            length,
            pin,
            *location,
            segment_path_at,
            segment_length,
        )
        + tail
    )


def read_object_value(data: bytes, at: int) -> ObjectValue:
    if data[at - 24 : at + 4] == _OBJECT_VALUE_HEAD:
        (
            request,
            state,
            encoding,
            layout,
            length,
            pin,
            location_0,
            location_1,
            location_2,
            location_3,
            segment_path,
            segment_length,
        ) = _OBJECT_VALUE_FIELDS.unpack_from(data, at + 4)
        segment_path += at + 64
    else:
        (
            request,
            state,
            encoding,
            layout,
            length,
            pin,
            location_0,
            location_1,
            location_2,
            location_3,
            segment_path,
            segment_length,
        ) = flat.table_fields(data, at, _OBJECT_VALUE_SLOTS)
    if state > 3:
        raise flat.unknown_value("ObjectValue.state", state)
    if encoding > 7:
        raise flat.unknown_value("ObjectValue.encoding", encoding)
    if layout > 2:
        raise flat.unknown_value("ObjectValue.layout", layout)
    return ObjectValue(
        request,
        state,
        encoding,
        layout,
        length,
        pin,
        Location(location_0, location_1, location_2, location_3),
        flat.read_string(data, segment_path),
        segment_length,
    )


class ObjectUnpin(Message):
    """Frontend to node: the last view of each of these has gone.

    Attributes:
        pins: Pins, as named in ObjectValue.
    """

    __slots__ = ("pins",)

    def __init__(
        self,
        pins: tuple[int, ...] = (),
    ) -> None:
        self.pins = pins

    def block(self) -> bytes:
        return block_object_unpin(self.pins)

    @staticmethod
    def read(data: bytes, at: int) -> ObjectUnpin:
        return read_object_unpin(data, at)


_OBJECT_UNPIN_HEAD = bytes.fromhex("060008000400000008000000")
_OBJECT_UNPIN_BLOCK = Struct("<12s I 0x 8x")
_OBJECT_UNPIN_FIELDS = Struct("<I 0x")
_OBJECT_UNPIN_SLOTS = (None,)
ObjectUnpin.START = 8
ObjectUnpin.ROOT = bytes.fromhex("1000000042575331")


def block_object_unpin(
    pins: tuple[int, ...] = (),
) -> bytes:
    tail = b""
    if pins:
        pins_at = len(tail) + 16
        tail += flat.wide_chunk(pins, "Q")
    else:
        pins_at = 8
    return _OBJECT_UNPIN_BLOCK.pack(_OBJECT_UNPIN_HEAD, pins_at) + tail


def read_object_unpin(data: bytes, at: int) -> ObjectUnpin:
    if data[at - 8 : at + 4] == _OBJECT_UNPIN_HEAD:
        (pins,) = _OBJECT_UNPIN_FIELDS.unpack_from(data, at + 4)
        pins += at + 4
    else:
        (pins,) = flat.table_fields(data, at, _OBJECT_UNPIN_SLOTS)
    return ObjectUnpin(
        flat.read_scalars(data, pins, "Q"),
    )


class ObjectGetCancel(Message):
    """Frontend to home: no answer is wanted any more. A pin granted meanwhile is released by the asker.

    Attributes:
        request: The request.
    """

    __slots__ = ("request",)

    def __init__(
        self,
        request: int = 0,
    ) -> None:
        self.request = request

    def block(self) -> bytes:
        return block_object_get_cancel(self.request)

    @staticmethod
    def read(data: bytes, at: int) -> ObjectGetCancel:
        return read_object_get_cancel(data, at)


_OBJECT_GET_CANCEL_HEAD = bytes.fromhex("060010000800000008000000")
_OBJECT_GET_CANCEL_BLOCK = Struct("<12s 4x Q 0x 8x")
_OBJECT_GET_CANCEL_FIELDS = Struct("<4x Q 0x")
_OBJECT_GET_CANCEL_SLOTS = (Struct("<Q"),)
ObjectGetCancel.START = 8
ObjectGetCancel.ROOT = bytes.fromhex("1000000042575331")


def block_object_get_cancel(
    request: int = 0,
) -> bytes:
    return _OBJECT_GET_CANCEL_BLOCK.pack(_OBJECT_GET_CANCEL_HEAD, request)


def read_object_get_cancel(data: bytes, at: int) -> ObjectGetCancel:
    if data[at - 8 : at + 4] == _OBJECT_GET_CANCEL_HEAD:
        (request,) = _OBJECT_GET_CANCEL_FIELDS.unpack_from(data, at + 4)
    else:
        (request,) = flat.table_fields(data, at, _OBJECT_GET_CANCEL_SLOTS)
    return ObjectGetCancel(
        request,
    )


class ExtentAllocate(Message):
    """Frontend to node: give me memory to write in. Answered by ExtentGrant or Failure (OBJECT_STORE_FULL).

    Attributes:
        request: Names the request in answers.
        length: Bytes wanted; at least 1.
        slab: True: the extent is a slab, in which the frontend lays out many objects itself.
    """

    __slots__ = (
        "request",
        "length",
        "slab",
    )

    def __init__(
        self,
        request: int = 0,
        length: int = 0,
        slab: bool = False,
    ) -> None:
        self.request = request
        self.length = length
        self.slab = slab

    def block(self) -> bytes:
        return block_extent_allocate(self.request, self.length, self.slab)

    @staticmethod
    def read(data: bytes, at: int) -> ExtentAllocate:
        return read_extent_allocate(data, at)


_EXTENT_ALLOCATE_HEAD = bytes.fromhex("0a00200008001000180000000000000010000000")
_EXTENT_ALLOCATE_BLOCK = Struct("<20s 4x Q Q ? 7x 8x")
_EXTENT_ALLOCATE_FIELDS = Struct("<4x Q Q ? 7x")
_EXTENT_ALLOCATE_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    Struct("<?"),
)
ExtentAllocate.START = 16
ExtentAllocate.ROOT = bytes.fromhex("1800000042575331")


def block_extent_allocate(
    request: int = 0,
    length: int = 0,
    slab: bool = False,
) -> bytes:
    return _EXTENT_ALLOCATE_BLOCK.pack(_EXTENT_ALLOCATE_HEAD, request, length, slab)


def read_extent_allocate(data: bytes, at: int) -> ExtentAllocate:
    if data[at - 16 : at + 4] == _EXTENT_ALLOCATE_HEAD:
        request, length, slab = _EXTENT_ALLOCATE_FIELDS.unpack_from(data, at + 4)
    else:
        request, length, slab = flat.table_fields(data, at, _EXTENT_ALLOCATE_SLOTS)
    return ExtentAllocate(
        request,
        length,
        slab,
    )


class ExtentGrant(Message):
    """Node to frontend: the memory is backed and yours to write.

    Attributes:
        request: The request.
        extent: Names the extent.
        segment: The segment; yours alone to write.
        offset: First byte in the segment; a multiple of 64.
        length: Bytes granted; at least what was asked.
        segment_length: Length of the segment in bytes.
        segment_path: File to open and map for writing, if it is not mapped yet.
    """

    __slots__ = (
        "request",
        "extent",
        "segment",
        "offset",
        "length",
        "segment_length",
        "segment_path",
    )

    def __init__(
        self,
        request: int = 0,
        extent: int = 0,
        segment: int = 0,
        offset: int = 0,
        length: int = 0,
        segment_length: int = 0,
        segment_path: str = "",
    ) -> None:
        self.request = request
        self.extent = extent
        self.segment = segment
        self.offset = offset
        self.length = length
        self.segment_length = segment_length
        self.segment_path = segment_path

    def block(self) -> bytes:
        return block_extent_grant(
            self.request, self.extent, self.segment, self.offset, self.length, self.segment_length, self.segment_path
        )

    @staticmethod
    def read(data: bytes, at: int) -> ExtentGrant:
        return read_extent_grant(data, at)


_EXTENT_GRANT_HEAD = bytes.fromhex("12004000080010001800200028003000380000000000000018000000")
_EXTENT_GRANT_BLOCK = Struct("<28s 4x Q Q I 4x Q Q Q I 4x 8x")
_EXTENT_GRANT_FIELDS = Struct("<4x Q Q I 4x Q Q Q I 4x")
_EXTENT_GRANT_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<Q"),
    None,
)
ExtentGrant.START = 24
ExtentGrant.ROOT = bytes.fromhex("2000000042575331")


def block_extent_grant(
    request: int = 0,
    extent: int = 0,
    segment: int = 0,
    offset: int = 0,
    length: int = 0,
    segment_length: int = 0,
    segment_path: str = "",
) -> bytes:
    tail = b""
    if segment_path:
        segment_path_at = len(tail) + 16
        tail += flat.string_chunk(segment_path)
    else:
        segment_path_at = 8
    return (
        _EXTENT_GRANT_BLOCK.pack(
            _EXTENT_GRANT_HEAD, request, extent, segment, offset, length, segment_length, segment_path_at
        )
        + tail
    )


def read_extent_grant(data: bytes, at: int) -> ExtentGrant:
    if data[at - 24 : at + 4] == _EXTENT_GRANT_HEAD:
        request, extent, segment, offset, length, segment_length, segment_path = _EXTENT_GRANT_FIELDS.unpack_from(
            data, at + 4
        )
        segment_path += at + 56
    else:
        request, extent, segment, offset, length, segment_length, segment_path = flat.table_fields(
            data, at, _EXTENT_GRANT_SLOTS
        )
    return ExtentGrant(
        request,
        extent,
        segment,
        offset,
        length,
        segment_length,
        flat.read_string(data, segment_path),
    )


class SegmentMapped(Message):
    """Frontend to node: the segment is mapped; refuse every new writable mapping from here on.

    Attributes:
        segment: The segment.
    """

    __slots__ = ("segment",)

    def __init__(
        self,
        segment: int = 0,
    ) -> None:
        self.segment = segment

    def block(self) -> bytes:
        return block_segment_mapped(self.segment)

    @staticmethod
    def read(data: bytes, at: int) -> SegmentMapped:
        return read_segment_mapped(data, at)


_SEGMENT_MAPPED_HEAD = bytes.fromhex("060008000400000008000000")
_SEGMENT_MAPPED_BLOCK = Struct("<12s I 0x 8x")
_SEGMENT_MAPPED_FIELDS = Struct("<I 0x")
_SEGMENT_MAPPED_SLOTS = (Struct("<I"),)
SegmentMapped.START = 8
SegmentMapped.ROOT = bytes.fromhex("1000000042575331")


def block_segment_mapped(
    segment: int = 0,
) -> bytes:
    return _SEGMENT_MAPPED_BLOCK.pack(_SEGMENT_MAPPED_HEAD, segment)


def read_segment_mapped(data: bytes, at: int) -> SegmentMapped:
    if data[at - 8 : at + 4] == _SEGMENT_MAPPED_HEAD:
        (segment,) = _SEGMENT_MAPPED_FIELDS.unpack_from(data, at + 4)
    else:
        (segment,) = flat.table_fields(data, at, _SEGMENT_MAPPED_SLOTS)
    return SegmentMapped(
        segment,
    )


class SegmentDropped(Message):
    """Node to frontend: unmap the segment and forget its path.

    Attributes:
        segment: The segment.
    """

    __slots__ = ("segment",)

    def __init__(
        self,
        segment: int = 0,
    ) -> None:
        self.segment = segment

    def block(self) -> bytes:
        return block_segment_dropped(self.segment)

    @staticmethod
    def read(data: bytes, at: int) -> SegmentDropped:
        return read_segment_dropped(data, at)


_SEGMENT_DROPPED_HEAD = bytes.fromhex("060008000400000008000000")
_SEGMENT_DROPPED_BLOCK = Struct("<12s I 0x 8x")
_SEGMENT_DROPPED_FIELDS = Struct("<I 0x")
_SEGMENT_DROPPED_SLOTS = (Struct("<I"),)
SegmentDropped.START = 8
SegmentDropped.ROOT = bytes.fromhex("1000000042575331")


def block_segment_dropped(
    segment: int = 0,
) -> bytes:
    return _SEGMENT_DROPPED_BLOCK.pack(_SEGMENT_DROPPED_HEAD, segment)


def read_segment_dropped(data: bytes, at: int) -> SegmentDropped:
    if data[at - 8 : at + 4] == _SEGMENT_DROPPED_HEAD:
        (segment,) = _SEGMENT_DROPPED_FIELDS.unpack_from(data, at + 4)
    else:
        (segment,) = flat.table_fields(data, at, _SEGMENT_DROPPED_SLOTS)
    return SegmentDropped(
        segment,
    )


class ExtentReturn(Message):
    """Frontend to node: nothing more will be sealed in the extent.

    Attributes:
        extent: The extent.
    """

    __slots__ = ("extent",)

    def __init__(
        self,
        extent: int = 0,
    ) -> None:
        self.extent = extent

    def block(self) -> bytes:
        return block_extent_return(self.extent)

    @staticmethod
    def read(data: bytes, at: int) -> ExtentReturn:
        return read_extent_return(data, at)


_EXTENT_RETURN_HEAD = bytes.fromhex("060010000800000008000000")
_EXTENT_RETURN_BLOCK = Struct("<12s 4x Q 0x 8x")
_EXTENT_RETURN_FIELDS = Struct("<4x Q 0x")
_EXTENT_RETURN_SLOTS = (Struct("<Q"),)
ExtentReturn.START = 8
ExtentReturn.ROOT = bytes.fromhex("1000000042575331")


def block_extent_return(
    extent: int = 0,
) -> bytes:
    return _EXTENT_RETURN_BLOCK.pack(_EXTENT_RETURN_HEAD, extent)


def read_extent_return(data: bytes, at: int) -> ExtentReturn:
    if data[at - 8 : at + 4] == _EXTENT_RETURN_HEAD:
        (extent,) = _EXTENT_RETURN_FIELDS.unpack_from(data, at + 4)
    else:
        (extent,) = flat.table_fields(data, at, _EXTENT_RETURN_SLOTS)
    return ExtentReturn(
        extent,
    )


class SlabRecall(Message):
    """Node to frontend: memory is short; return the slabs in which nothing is being written, and the pins that nobody reads.

    Attributes:
        wanted: Bytes that somebody waits for.
    """

    __slots__ = ("wanted",)

    def __init__(
        self,
        wanted: int = 0,
    ) -> None:
        self.wanted = wanted

    def block(self) -> bytes:
        return block_slab_recall(self.wanted)

    @staticmethod
    def read(data: bytes, at: int) -> SlabRecall:
        return read_slab_recall(data, at)


_SLAB_RECALL_HEAD = bytes.fromhex("060010000800000008000000")
_SLAB_RECALL_BLOCK = Struct("<12s 4x Q 0x 8x")
_SLAB_RECALL_FIELDS = Struct("<4x Q 0x")
_SLAB_RECALL_SLOTS = (Struct("<Q"),)
SlabRecall.START = 8
SlabRecall.ROOT = bytes.fromhex("1000000042575331")


def block_slab_recall(
    wanted: int = 0,
) -> bytes:
    return _SLAB_RECALL_BLOCK.pack(_SLAB_RECALL_HEAD, wanted)


def read_slab_recall(data: bytes, at: int) -> SlabRecall:
    if data[at - 8 : at + 4] == _SLAB_RECALL_HEAD:
        (wanted,) = _SLAB_RECALL_FIELDS.unpack_from(data, at + 4)
    else:
        (wanted,) = flat.table_fields(data, at, _SLAB_RECALL_SLOTS)
    return SlabRecall(
        wanted,
    )


class Transcode(Message):
    """Node to worker: read the value, write it in `target`, and answer with Transcoded or Failure. The body is the payload if INLINE.

    Attributes:
        request: Names the request in answers.
        ref: The object.
        target: The encoding that is wanted.
        state: INLINE or STORED.
        encoding: How the value is written.
        layout: INLINE: how the payload is laid out.
        length: INLINE: length of the payload.
        location: STORED: where the image lies; pinned by the node until the answer.
        segment_path: STORED: file to open and map read-only.
        segment_length: STORED: length of the segment in bytes.
    """

    __slots__ = (
        "request",
        "ref",
        "target",
        "state",
        "encoding",
        "layout",
        "length",
        "location",
        "segment_path",
        "segment_length",
    )

    def __init__(
        self,
        request: int = 0,
        ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
        target: int = 0,
        state: int = 0,
        encoding: int = 0,
        layout: int = 0,
        length: int = 0,
        location: Location = Location(0, 0, 0, 0),
        segment_path: str = "",
        segment_length: int = 0,
    ) -> None:
        self.request = request
        self.ref = ref
        self.target = target
        self.state = state
        self.encoding = encoding
        self.layout = layout
        self.length = length
        self.location = location
        self.segment_path = segment_path
        self.segment_length = segment_length

    def block(self) -> bytes:
        return block_transcode(
            self.request,
            self.ref,
            self.target,
            self.state,
            self.encoding,
            self.layout,
            self.length,
            self.location,
            self.segment_path,
            self.segment_length,
        )

    @staticmethod
    def read(data: bytes, at: int) -> Transcode:
        return read_transcode(data, at)


_TRANSCODE_HEAD = bytes.fromhex("1800700008001000380039003a003b00400048006000680018000000")
_TRANSCODE_BLOCK = Struct("<28s 4x Q 20s I Q Q B B B B 4x Q I I Q Q I 4x Q 0x 8x")
_TRANSCODE_FIELDS = Struct("<4x Q 20s I Q Q B B B B 4x Q I I Q Q I 4x Q 0x")
_TRANSCODE_SLOTS = (
    Struct("<Q"),
    Struct("<20s I Q Q"),
    Struct("<B"),
    Struct("<B"),
    Struct("<B"),
    Struct("<B"),
    Struct("<Q"),
    Struct("<I I Q Q"),
    None,
    Struct("<Q"),
)
Transcode.START = 24
Transcode.ROOT = bytes.fromhex("2000000042575331")


def block_transcode(
    request: int = 0,
    ref: ObjectRef = ObjectRef(bytes(20), 0, 0, 0),
    target: int = 0,
    state: int = 0,
    encoding: int = 0,
    layout: int = 0,
    length: int = 0,
    location: Location = Location(0, 0, 0, 0),
    segment_path: str = "",
    segment_length: int = 0,
) -> bytes:
    tail = b""
    if segment_path:
        segment_path_at = len(tail) + 24
        tail += flat.string_chunk(segment_path)
    else:
        segment_path_at = 16
    return (
        _TRANSCODE_BLOCK.pack(
            _TRANSCODE_HEAD,
            request,
            *ref,
            target,
            state,
            encoding,
            layout,
            length,
            *location,
            segment_path_at,
            segment_length,
        )
        + tail
    )


def read_transcode(data: bytes, at: int) -> Transcode:
    if data[at - 24 : at + 4] == _TRANSCODE_HEAD:
        (
            request,
            ref_0,
            ref_1,
            ref_2,
            ref_3,
            target,
            state,
            encoding,
            layout,
            length,
            location_0,
            location_1,
            location_2,
            location_3,
            segment_path,
            segment_length,
        ) = _TRANSCODE_FIELDS.unpack_from(data, at + 4)
        segment_path += at + 96
    else:
        (
            request,
            ref_0,
            ref_1,
            ref_2,
            ref_3,
            target,
            state,
            encoding,
            layout,
            length,
            location_0,
            location_1,
            location_2,
            location_3,
            segment_path,
            segment_length,
        ) = flat.table_fields(data, at, _TRANSCODE_SLOTS)
    if target > 7:
        raise flat.unknown_value("Transcode.target", target)
    if state > 3:
        raise flat.unknown_value("Transcode.state", state)
    if encoding > 7:
        raise flat.unknown_value("Transcode.encoding", encoding)
    if layout > 2:
        raise flat.unknown_value("Transcode.layout", layout)
    return Transcode(
        request,
        ObjectRef(ref_0, ref_1, ref_2, ref_3),
        target,
        state,
        encoding,
        layout,
        length,
        Location(location_0, location_1, location_2, location_3),
        flat.read_string(data, segment_path),
        segment_length,
    )


class Transcoded(Message):
    """Worker to node: the other encoding. The body is the payload if INLINE.

    Attributes:
        request: The request.
        state: INLINE or STORED.
        encoding: How the value is written now.
        layout: INLINE: how the payload is laid out.
        length: INLINE: length of the payload.
        location: STORED: where the image lies.
        extent: STORED: the extent that holds it.
    """

    __slots__ = (
        "request",
        "state",
        "encoding",
        "layout",
        "length",
        "location",
        "extent",
    )

    def __init__(
        self,
        request: int = 0,
        state: int = 0,
        encoding: int = 0,
        layout: int = 0,
        length: int = 0,
        location: Location = Location(0, 0, 0, 0),
        extent: int = 0,
    ) -> None:
        self.request = request
        self.state = state
        self.encoding = encoding
        self.layout = layout
        self.length = length
        self.location = location
        self.extent = extent

    def block(self) -> bytes:
        return block_transcoded(
            self.request, self.state, self.encoding, self.layout, self.length, self.location, self.extent
        )

    @staticmethod
    def read(data: bytes, at: int) -> Transcoded:
        return read_transcoded(data, at)


_TRANSCODED_HEAD = bytes.fromhex("12004000080010001100120018002000380000000000000018000000")
_TRANSCODED_BLOCK = Struct("<28s 4x Q B B B 5x Q I I Q Q Q 0x 8x")
_TRANSCODED_FIELDS = Struct("<4x Q B B B 5x Q I I Q Q Q 0x")
_TRANSCODED_SLOTS = (
    Struct("<Q"),
    Struct("<B"),
    Struct("<B"),
    Struct("<B"),
    Struct("<Q"),
    Struct("<I I Q Q"),
    Struct("<Q"),
)
Transcoded.START = 24
Transcoded.ROOT = bytes.fromhex("2000000042575331")


def block_transcoded(
    request: int = 0,
    state: int = 0,
    encoding: int = 0,
    layout: int = 0,
    length: int = 0,
    location: Location = Location(0, 0, 0, 0),
    extent: int = 0,
) -> bytes:
    return _TRANSCODED_BLOCK.pack(_TRANSCODED_HEAD, request, state, encoding, layout, length, *location, extent)


def read_transcoded(data: bytes, at: int) -> Transcoded:
    if data[at - 24 : at + 4] == _TRANSCODED_HEAD:
        request, state, encoding, layout, length, location_0, location_1, location_2, location_3, extent = (
            _TRANSCODED_FIELDS.unpack_from(data, at + 4)
        )
    else:
        request, state, encoding, layout, length, location_0, location_1, location_2, location_3, extent = (
            flat.table_fields(data, at, _TRANSCODED_SLOTS)
        )
    if state > 3:
        raise flat.unknown_value("Transcoded.state", state)
    if encoding > 7:
        raise flat.unknown_value("Transcoded.encoding", encoding)
    if layout > 2:
        raise flat.unknown_value("Transcoded.layout", layout)
    return Transcoded(
        request,
        state,
        encoding,
        layout,
        length,
        Location(location_0, location_1, location_2, location_3),
        extent,
    )


class Bundle(Message):
    """Resources that are reserved together on one node.

    Attributes:
        resources: What it holds.
    """

    __slots__ = ("resources",)

    def __init__(
        self,
        resources: tuple[Resource, ...] = (),
    ) -> None:
        self.resources = resources

    def block(self) -> bytes:
        return block_bundle(self.resources)

    @staticmethod
    def read(data: bytes, at: int) -> Bundle:
        return read_bundle(data, at)


_BUNDLE_HEAD = bytes.fromhex("060008000400000008000000")
_BUNDLE_BLOCK = Struct("<12s I 0x 8x")
_BUNDLE_FIELDS = Struct("<I 0x")
_BUNDLE_SLOTS = (None,)
Bundle.START = 8
Bundle.ROOT = bytes.fromhex("1000000042575331")


def block_bundle(
    resources: tuple[Resource, ...] = (),
) -> bytes:
    tail = b""
    if resources:
        resources_at = len(tail) + 12
        tail += flat.tables_chunk(resources, 8)
    else:
        resources_at = 4
    return _BUNDLE_BLOCK.pack(_BUNDLE_HEAD, resources_at) + tail


def read_bundle(data: bytes, at: int) -> Bundle:
    if data[at - 8 : at + 4] == _BUNDLE_HEAD:
        (resources,) = _BUNDLE_FIELDS.unpack_from(data, at + 4)
        resources += at + 4
    else:
        (resources,) = flat.table_fields(data, at, _BUNDLE_SLOTS)
    return Bundle(
        flat.read_tables(data, resources, read_resource),
    )


class PlacementGroup(Message):
    """A placement group, as it is shown.

    Attributes:
        id: The group: an id like that of a task.
        name: Its name; empty: none.
        namespace: Namespace of its name.
        strategy: How its bundles are spread.
        state: Where it stands.
        detached: True: it lives until it is removed. False: until its job ends.
        job: The job that made it.
        bundles: Its bundles, in order.
        reason: INFEASIBLE: why.
    """

    __slots__ = (
        "id",
        "name",
        "namespace",
        "strategy",
        "state",
        "detached",
        "job",
        "bundles",
        "reason",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        name: str = "",
        namespace: str = "",
        strategy: int = 0,
        state: int = 0,
        detached: bool = False,
        job: int = 0,
        bundles: tuple[Bundle, ...] = (),
        reason: str = "",
    ) -> None:
        self.id = id
        self.name = name
        self.namespace = namespace
        self.strategy = strategy
        self.state = state
        self.detached = detached
        self.job = job
        self.bundles = bundles
        self.reason = reason

    def block(self) -> bytes:
        return block_placement_group(
            self.id,
            self.name,
            self.namespace,
            self.strategy,
            self.state,
            self.detached,
            self.job,
            self.bundles,
            self.reason,
        )

    @staticmethod
    def read(data: bytes, at: int) -> PlacementGroup:
        return read_placement_group(data, at)


_PLACEMENT_GROUP_HEAD = bytes.fromhex("160030000400140018001c001d001e00200024002800000018000000")
_PLACEMENT_GROUP_BLOCK = Struct("<28s 16s I I B B ? 1x I I I 4x 8x")
_PLACEMENT_GROUP_FIELDS = Struct("<16s I I B B ? 1x I I I 4x")
_PLACEMENT_GROUP_SLOTS = (
    Struct("<16s"),
    None,
    None,
    Struct("<B"),
    Struct("<B"),
    Struct("<?"),
    Struct("<I"),
    None,
    None,
)
PlacementGroup.START = 24
PlacementGroup.ROOT = bytes.fromhex("2000000042575331")


def block_placement_group(
    id: bytes = bytes(16),
    name: str = "",
    namespace: str = "",
    strategy: int = 0,
    state: int = 0,
    detached: bool = False,
    job: int = 0,
    bundles: tuple[Bundle, ...] = (),
    reason: str = "",
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 36
        tail += flat.string_chunk(name)
    else:
        name_at = 28
    if namespace:
        namespace_at = len(tail) + 32
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 24
    if bundles:
        bundles_at = len(tail) + 20
        tail += flat.tables_chunk(bundles, 8)
    else:
        bundles_at = 12
    if reason:
        reason_at = len(tail) + 16
        tail += flat.string_chunk(reason)
    else:
        reason_at = 8
    return (
        _PLACEMENT_GROUP_BLOCK.pack(
            _PLACEMENT_GROUP_HEAD, id, name_at, namespace_at, strategy, state, detached, job, bundles_at, reason_at
        )
        + tail
    )


def read_placement_group(data: bytes, at: int) -> PlacementGroup:
    if data[at - 24 : at + 4] == _PLACEMENT_GROUP_HEAD:
        id, name, namespace, strategy, state, detached, job, bundles, reason = _PLACEMENT_GROUP_FIELDS.unpack_from(
            data, at + 4
        )
        name += at + 20
        namespace += at + 24
        bundles += at + 36
        reason += at + 40
    else:
        id, name, namespace, strategy, state, detached, job, bundles, reason = flat.table_fields(
            data, at, _PLACEMENT_GROUP_SLOTS
        )
    return PlacementGroup(
        id,
        flat.read_string(data, name),
        flat.read_string(data, namespace),
        strategy,
        state,
        detached,
        job,
        flat.read_tables(data, bundles, read_bundle),
        flat.read_string(data, reason),
    )


class PlacementCreate(Message):
    """Frontend to node: reserve these bundles. Answered by Ack once recorded, or by Failure.

    Attributes:
        request: Names the request in answers.
        group: What is wanted; `state`, `job` and `reason` are not read. An empty namespace is the job's.
    """

    __slots__ = (
        "request",
        "group",
    )

    def __init__(
        self,
        request: int = 0,
        group: PlacementGroup | None = None,
    ) -> None:
        self.request = request
        self.group = group

    def block(self) -> bytes:
        return block_placement_create(self.request, self.group)

    @staticmethod
    def read(data: bytes, at: int) -> PlacementCreate:
        return read_placement_create(data, at)


_PLACEMENT_CREATE_HEAD = bytes.fromhex("080018000800100008000000")
_PLACEMENT_CREATE_BLOCK = Struct("<12s 4x Q I 4x 8x")
_PLACEMENT_CREATE_FIELDS = Struct("<4x Q I 4x")
_PLACEMENT_CREATE_SLOTS = (
    Struct("<Q"),
    None,
)
PlacementCreate.START = 8
PlacementCreate.ROOT = bytes.fromhex("1000000042575331")


def block_placement_create(
    request: int = 0,
    group: PlacementGroup | None = None,
) -> bytes:
    tail = b""
    group_at = len(tail) + 40
    tail += (group or PlacementGroup()).block()
    return _PLACEMENT_CREATE_BLOCK.pack(_PLACEMENT_CREATE_HEAD, request, group_at) + tail


def read_placement_create(data: bytes, at: int) -> PlacementCreate:
    if data[at - 8 : at + 4] == _PLACEMENT_CREATE_HEAD:
        request, group = _PLACEMENT_CREATE_FIELDS.unpack_from(data, at + 4)
        group += at + 16
    else:
        request, group = flat.table_fields(data, at, _PLACEMENT_CREATE_SLOTS)
    return PlacementCreate(
        request,
        flat.read_table(data, group, read_placement_group),
    )


class PlacementRemove(Message):
    """Frontend to node: give the bundles back, and end what runs in them. Answered by Ack.

    Attributes:
        request: Names the request in answers.
        group: The group.
    """

    __slots__ = (
        "request",
        "group",
    )

    def __init__(
        self,
        request: int = 0,
        group: bytes = bytes(16),
    ) -> None:
        self.request = request
        self.group = group

    def block(self) -> bytes:
        return block_placement_remove(self.request, self.group)

    @staticmethod
    def read(data: bytes, at: int) -> PlacementRemove:
        return read_placement_remove(data, at)


_PLACEMENT_REMOVE_HEAD = bytes.fromhex("080020000800100008000000")
_PLACEMENT_REMOVE_BLOCK = Struct("<12s 4x Q 16s 0x 8x")
_PLACEMENT_REMOVE_FIELDS = Struct("<4x Q 16s 0x")
_PLACEMENT_REMOVE_SLOTS = (
    Struct("<Q"),
    Struct("<16s"),
)
PlacementRemove.START = 8
PlacementRemove.ROOT = bytes.fromhex("1000000042575331")


def block_placement_remove(
    request: int = 0,
    group: bytes = bytes(16),
) -> bytes:
    return _PLACEMENT_REMOVE_BLOCK.pack(_PLACEMENT_REMOVE_HEAD, request, group)


def read_placement_remove(data: bytes, at: int) -> PlacementRemove:
    if data[at - 8 : at + 4] == _PLACEMENT_REMOVE_HEAD:
        request, group = _PLACEMENT_REMOVE_FIELDS.unpack_from(data, at + 4)
    else:
        request, group = flat.table_fields(data, at, _PLACEMENT_REMOVE_SLOTS)
    return PlacementRemove(
        request,
        group,
    )


class PlacementLookup(Message):
    """Anybody to node: tell of groups. Answered by PlacementInfo.

    Attributes:
        request: Names the request in answers.
        group: The group; zeros: see `name`.
        name: Its name; empty, with no group: all groups.
        namespace: Namespace of the name; empty: the job's.
    """

    __slots__ = (
        "request",
        "group",
        "name",
        "namespace",
    )

    def __init__(
        self,
        request: int = 0,
        group: bytes = bytes(16),
        name: str = "",
        namespace: str = "",
    ) -> None:
        self.request = request
        self.group = group
        self.name = name
        self.namespace = namespace

    def block(self) -> bytes:
        return block_placement_lookup(self.request, self.group, self.name, self.namespace)

    @staticmethod
    def read(data: bytes, at: int) -> PlacementLookup:
        return read_placement_lookup(data, at)


_PLACEMENT_LOOKUP_HEAD = bytes.fromhex("0c00280008001000200024000000000010000000")
_PLACEMENT_LOOKUP_BLOCK = Struct("<20s 4x Q 16s I I 0x 8x")
_PLACEMENT_LOOKUP_FIELDS = Struct("<4x Q 16s I I 0x")
_PLACEMENT_LOOKUP_SLOTS = (
    Struct("<Q"),
    Struct("<16s"),
    None,
    None,
)
PlacementLookup.START = 16
PlacementLookup.ROOT = bytes.fromhex("1800000042575331")


def block_placement_lookup(
    request: int = 0,
    group: bytes = bytes(16),
    name: str = "",
    namespace: str = "",
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 16
        tail += flat.string_chunk(name)
    else:
        name_at = 8
    if namespace:
        namespace_at = len(tail) + 12
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 4
    return _PLACEMENT_LOOKUP_BLOCK.pack(_PLACEMENT_LOOKUP_HEAD, request, group, name_at, namespace_at) + tail


def read_placement_lookup(data: bytes, at: int) -> PlacementLookup:
    if data[at - 16 : at + 4] == _PLACEMENT_LOOKUP_HEAD:
        request, group, name, namespace = _PLACEMENT_LOOKUP_FIELDS.unpack_from(data, at + 4)
        name += at + 32
        namespace += at + 36
    else:
        request, group, name, namespace = flat.table_fields(data, at, _PLACEMENT_LOOKUP_SLOTS)
    return PlacementLookup(
        request,
        group,
        flat.read_string(data, name),
        flat.read_string(data, namespace),
    )


class PlacementInfo(Message):
    """Answer to PlacementLookup.

    Attributes:
        request: The request.
        groups: The groups that there are; none if there is no such group.
    """

    __slots__ = (
        "request",
        "groups",
    )

    def __init__(
        self,
        request: int = 0,
        groups: tuple[PlacementGroup, ...] = (),
    ) -> None:
        self.request = request
        self.groups = groups

    def block(self) -> bytes:
        return block_placement_info(self.request, self.groups)

    @staticmethod
    def read(data: bytes, at: int) -> PlacementInfo:
        return read_placement_info(data, at)


_PLACEMENT_INFO_HEAD = bytes.fromhex("080018000800100008000000")
_PLACEMENT_INFO_BLOCK = Struct("<12s 4x Q I 4x 8x")
_PLACEMENT_INFO_FIELDS = Struct("<4x Q I 4x")
_PLACEMENT_INFO_SLOTS = (
    Struct("<Q"),
    None,
)
PlacementInfo.START = 8
PlacementInfo.ROOT = bytes.fromhex("1000000042575331")


def block_placement_info(
    request: int = 0,
    groups: tuple[PlacementGroup, ...] = (),
) -> bytes:
    tail = b""
    if groups:
        groups_at = len(tail) + 16
        tail += flat.tables_chunk(groups, 24)
    else:
        groups_at = 8
    return _PLACEMENT_INFO_BLOCK.pack(_PLACEMENT_INFO_HEAD, request, groups_at) + tail


def read_placement_info(data: bytes, at: int) -> PlacementInfo:
    if data[at - 8 : at + 4] == _PLACEMENT_INFO_HEAD:
        request, groups = _PLACEMENT_INFO_FIELDS.unpack_from(data, at + 4)
        groups += at + 16
    else:
        request, groups = flat.table_fields(data, at, _PLACEMENT_INFO_SLOTS)
    return PlacementInfo(
        request,
        flat.read_tables(data, groups, read_placement_group),
    )


class RefUpdate(Message):
    """Frontend to node: counts that reached or left zero, in order.

    Attributes:
        changes: The changes, in order.
    """

    __slots__ = ("changes",)

    def __init__(
        self,
        changes: tuple[RefChange, ...] = (),
    ) -> None:
        self.changes = changes

    def block(self) -> bytes:
        return block_ref_update(self.changes)

    @staticmethod
    def read(data: bytes, at: int) -> RefUpdate:
        return read_ref_update(data, at)


_REF_UPDATE_HEAD = bytes.fromhex("060008000400000008000000")
_REF_UPDATE_BLOCK = Struct("<12s I 0x 8x")
_REF_UPDATE_FIELDS = Struct("<I 0x")
_REF_UPDATE_SLOTS = (None,)
RefUpdate.START = 8
RefUpdate.ROOT = bytes.fromhex("1000000042575331")


def block_ref_update(
    changes: tuple[RefChange, ...] = (),
) -> bytes:
    tail = b""
    if changes:
        changes_at = len(tail) + 16
        tail += flat.wide_chunk(changes, REF_CHANGE)
    else:
        changes_at = 8
    return _REF_UPDATE_BLOCK.pack(_REF_UPDATE_HEAD, changes_at) + tail


def read_ref_update(data: bytes, at: int) -> RefUpdate:
    if data[at - 8 : at + 4] == _REF_UPDATE_HEAD:
        (changes,) = _REF_UPDATE_FIELDS.unpack_from(data, at + 4)
        changes += at + 4
    else:
        (changes,) = flat.table_fields(data, at, _REF_UPDATE_SLOTS)
    return RefUpdate(
        flat.read_structs(data, changes, REF_CHANGE, RefChange),
    )


class RefHold(Message):
    """Worker to node: hold these, and acknowledge. Answered by Ack.

    Attributes:
        request: Names the request in answers.
        refs: The references.
    """

    __slots__ = (
        "request",
        "refs",
    )

    def __init__(
        self,
        request: int = 0,
        refs: tuple[ObjectRef, ...] = (),
    ) -> None:
        self.request = request
        self.refs = refs

    def block(self) -> bytes:
        return block_ref_hold(self.request, self.refs)

    @staticmethod
    def read(data: bytes, at: int) -> RefHold:
        return read_ref_hold(data, at)


_REF_HOLD_HEAD = bytes.fromhex("080018000800100008000000")
_REF_HOLD_BLOCK = Struct("<12s 4x Q I 4x 8x")
_REF_HOLD_FIELDS = Struct("<4x Q I 4x")
_REF_HOLD_SLOTS = (
    Struct("<Q"),
    None,
)
RefHold.START = 8
RefHold.ROOT = bytes.fromhex("1000000042575331")


def block_ref_hold(
    request: int = 0,
    refs: tuple[ObjectRef, ...] = (),
) -> bytes:
    tail = b""
    if refs:
        refs_at = len(tail) + 20
        tail += flat.wide_chunk(refs, OBJECT_REF)
    else:
        refs_at = 12
    return _REF_HOLD_BLOCK.pack(_REF_HOLD_HEAD, request, refs_at) + tail


def read_ref_hold(data: bytes, at: int) -> RefHold:
    if data[at - 8 : at + 4] == _REF_HOLD_HEAD:
        request, refs = _REF_HOLD_FIELDS.unpack_from(data, at + 4)
        refs += at + 16
    else:
        request, refs = flat.table_fields(data, at, _REF_HOLD_SLOTS)
    return RefHold(
        request,
        flat.read_structs(data, refs, OBJECT_REF, ObjectRef),
    )


class StateFilter(Message):
    """Rows that are wanted: those whose field compares so with the value.

    Attributes:
        field: Name of the field.
        op: How it compares.
        value: What it is compared with: as text, which is read as a number or a truth value where the field is one.
    """

    __slots__ = (
        "field",
        "op",
        "value",
    )

    def __init__(
        self,
        field: str = "",
        op: int = 0,
        value: str = "",
    ) -> None:
        self.field = field
        self.op = op
        self.value = value

    def block(self) -> bytes:
        return block_state_filter(self.field, self.op, self.value)

    @staticmethod
    def read(data: bytes, at: int) -> StateFilter:
        return read_state_filter(data, at)


_STATE_FILTER_HEAD = bytes.fromhex("0a001000040008000c0000000000000010000000")
_STATE_FILTER_BLOCK = Struct("<20s I B 3x I 0x 8x")
_STATE_FILTER_FIELDS = Struct("<I B 3x I 0x")
_STATE_FILTER_SLOTS = (
    None,
    Struct("<B"),
    None,
)
StateFilter.START = 16
StateFilter.ROOT = bytes.fromhex("1800000042575331")


def block_state_filter(
    field: str = "",
    op: int = 0,
    value: str = "",
) -> bytes:
    tail = b""
    if field:
        field_at = len(tail) + 20
        tail += flat.string_chunk(field)
    else:
        field_at = 12
    if value:
        value_at = len(tail) + 12
        tail += flat.string_chunk(value)
    else:
        value_at = 4
    return _STATE_FILTER_BLOCK.pack(_STATE_FILTER_HEAD, field_at, op, value_at) + tail


def read_state_filter(data: bytes, at: int) -> StateFilter:
    if data[at - 16 : at + 4] == _STATE_FILTER_HEAD:
        field, op, value = _STATE_FILTER_FIELDS.unpack_from(data, at + 4)
        field += at + 4
        value += at + 12
    else:
        field, op, value = flat.table_fields(data, at, _STATE_FILTER_SLOTS)
    return StateFilter(
        flat.read_string(data, field),
        op,
        flat.read_string(data, value),
    )


class StateQuery(Message):
    """Anybody to node. Answered by StateReply.

    Attributes:
        request: Names the request in answers.
        kind: What is asked for.
        filters: All of these must hold.
        limit: Rows at most, over all pages; 0: all.
        cursor: StateReply.cursor of the page before; 0: this asks for the first page.
    """

    __slots__ = (
        "request",
        "kind",
        "filters",
        "limit",
        "cursor",
    )

    def __init__(
        self,
        request: int = 0,
        kind: int = 0,
        filters: tuple[StateFilter, ...] = (),
        limit: int = 0,
        cursor: int = 0,
    ) -> None:
        self.request = request
        self.kind = kind
        self.filters = filters
        self.limit = limit
        self.cursor = cursor

    def block(self) -> bytes:
        return block_state_query(self.request, self.kind, self.filters, self.limit, self.cursor)

    @staticmethod
    def read(data: bytes, at: int) -> StateQuery:
        return read_state_query(data, at)


_STATE_QUERY_HEAD = bytes.fromhex("0e00280008001000140018002000000010000000")
_STATE_QUERY_BLOCK = Struct("<20s 4x Q B 3x I Q Q 0x 8x")
_STATE_QUERY_FIELDS = Struct("<4x Q B 3x I Q Q 0x")
_STATE_QUERY_SLOTS = (
    Struct("<Q"),
    Struct("<B"),
    None,
    Struct("<Q"),
    Struct("<Q"),
)
StateQuery.START = 16
StateQuery.ROOT = bytes.fromhex("1800000042575331")


def block_state_query(
    request: int = 0,
    kind: int = 0,
    filters: tuple[StateFilter, ...] = (),
    limit: int = 0,
    cursor: int = 0,
) -> bytes:
    tail = b""
    if filters:
        filters_at = len(tail) + 28
        tail += flat.tables_chunk(filters, 16)
    else:
        filters_at = 20
    return _STATE_QUERY_BLOCK.pack(_STATE_QUERY_HEAD, request, kind, filters_at, limit, cursor) + tail


def read_state_query(data: bytes, at: int) -> StateQuery:
    if data[at - 16 : at + 4] == _STATE_QUERY_HEAD:
        request, kind, filters, limit, cursor = _STATE_QUERY_FIELDS.unpack_from(data, at + 4)
        filters += at + 20
    else:
        request, kind, filters, limit, cursor = flat.table_fields(data, at, _STATE_QUERY_SLOTS)
    return StateQuery(
        request,
        kind,
        flat.read_tables(data, filters, read_state_filter),
        limit,
        cursor,
    )


class StateReply(Message):
    """Answer to StateQuery. The body is a portable value: a list of maps, a map for each thing.

    Attributes:
        request: The request.
        length: Length of the payload.
        cursor: Asks for the next page; 0: this is the last.
    """

    __slots__ = (
        "request",
        "length",
        "cursor",
    )

    def __init__(
        self,
        request: int = 0,
        length: int = 0,
        cursor: int = 0,
    ) -> None:
        self.request = request
        self.length = length
        self.cursor = cursor

    def block(self) -> bytes:
        return block_state_reply(self.request, self.length, self.cursor)

    @staticmethod
    def read(data: bytes, at: int) -> StateReply:
        return read_state_reply(data, at)


_STATE_REPLY_HEAD = bytes.fromhex("0a00200008001000180000000000000010000000")
_STATE_REPLY_BLOCK = Struct("<20s 4x Q Q Q 0x 8x")
_STATE_REPLY_FIELDS = Struct("<4x Q Q Q 0x")
_STATE_REPLY_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    Struct("<Q"),
)
StateReply.START = 16
StateReply.ROOT = bytes.fromhex("1800000042575331")


def block_state_reply(
    request: int = 0,
    length: int = 0,
    cursor: int = 0,
) -> bytes:
    return _STATE_REPLY_BLOCK.pack(_STATE_REPLY_HEAD, request, length, cursor)


def read_state_reply(data: bytes, at: int) -> StateReply:
    if data[at - 16 : at + 4] == _STATE_REPLY_HEAD:
        request, length, cursor = _STATE_REPLY_FIELDS.unpack_from(data, at + 4)
    else:
        request, length, cursor = flat.table_fields(data, at, _STATE_REPLY_SLOTS)
    return StateReply(
        request,
        length,
        cursor,
    )


class Inspect(Message):
    """Node to frontend: tell what only you know. Answered by Inspected.

    Attributes:
        request: Names the request in answers.
        kind: What is asked for.
    """

    __slots__ = (
        "request",
        "kind",
    )

    def __init__(
        self,
        request: int = 0,
        kind: int = 0,
    ) -> None:
        self.request = request
        self.kind = kind

    def block(self) -> bytes:
        return block_inspect(self.request, self.kind)

    @staticmethod
    def read(data: bytes, at: int) -> Inspect:
        return read_inspect(data, at)


_INSPECT_HEAD = bytes.fromhex("080018000800100008000000")
_INSPECT_BLOCK = Struct("<12s 4x Q B 7x 8x")
_INSPECT_FIELDS = Struct("<4x Q B 7x")
_INSPECT_SLOTS = (
    Struct("<Q"),
    Struct("<B"),
)
Inspect.START = 8
Inspect.ROOT = bytes.fromhex("1000000042575331")


def block_inspect(
    request: int = 0,
    kind: int = 0,
) -> bytes:
    return _INSPECT_BLOCK.pack(_INSPECT_HEAD, request, kind)


def read_inspect(data: bytes, at: int) -> Inspect:
    if data[at - 8 : at + 4] == _INSPECT_HEAD:
        request, kind = _INSPECT_FIELDS.unpack_from(data, at + 4)
    else:
        request, kind = flat.table_fields(data, at, _INSPECT_SLOTS)
    return Inspect(
        request,
        kind,
    )


class Inspected(Message):
    """Answer to Inspect, or a part of it. The body is a portable value: a list of maps.

    Attributes:
        request: The request.
        length: Length of the payload.
        more: True: more of the answer follows.
    """

    __slots__ = (
        "request",
        "length",
        "more",
    )

    def __init__(
        self,
        request: int = 0,
        length: int = 0,
        more: bool = False,
    ) -> None:
        self.request = request
        self.length = length
        self.more = more

    def block(self) -> bytes:
        return block_inspected(self.request, self.length, self.more)

    @staticmethod
    def read(data: bytes, at: int) -> Inspected:
        return read_inspected(data, at)


_INSPECTED_HEAD = bytes.fromhex("0a00200008001000180000000000000010000000")
_INSPECTED_BLOCK = Struct("<20s 4x Q Q ? 7x 8x")
_INSPECTED_FIELDS = Struct("<4x Q Q ? 7x")
_INSPECTED_SLOTS = (
    Struct("<Q"),
    Struct("<Q"),
    Struct("<?"),
)
Inspected.START = 16
Inspected.ROOT = bytes.fromhex("1800000042575331")


def block_inspected(
    request: int = 0,
    length: int = 0,
    more: bool = False,
) -> bytes:
    return _INSPECTED_BLOCK.pack(_INSPECTED_HEAD, request, length, more)


def read_inspected(data: bytes, at: int) -> Inspected:
    if data[at - 16 : at + 4] == _INSPECTED_HEAD:
        request, length, more = _INSPECTED_FIELDS.unpack_from(data, at + 4)
    else:
        request, length, more = flat.table_fields(data, at, _INSPECTED_SLOTS)
    return Inspected(
        request,
        length,
        more,
    )


class Progress(Message):
    """Worker to node, and node to the job's drivers: how far something has come.

    Attributes:
        pid: Operating system's process id of the worker.
        name: Actor's class, or "worker"; set by the node.
        bar: Names the bar among the worker's.
        description: What is counted, for people.
        unit: What it counts in, as "rows"; empty: things.
        total: How many there are; 0: unknown.
        done: How many are done.
        over: True: it is over.
    """

    __slots__ = (
        "pid",
        "name",
        "bar",
        "description",
        "unit",
        "total",
        "done",
        "over",
    )

    def __init__(
        self,
        pid: int = 0,
        name: str = "",
        bar: int = 0,
        description: str = "",
        unit: str = "",
        total: int = 0,
        done: int = 0,
        over: bool = False,
    ) -> None:
        self.pid = pid
        self.name = name
        self.bar = bar
        self.description = description
        self.unit = unit
        self.total = total
        self.done = done
        self.over = over

    def block(self) -> bytes:
        return block_progress(
            self.pid, self.name, self.bar, self.description, self.unit, self.total, self.done, self.over
        )

    @staticmethod
    def read(data: bytes, at: int) -> Progress:
        return read_progress(data, at)


_PROGRESS_HEAD = bytes.fromhex("14003000040008000c00100014001800200028000000000018000000")
_PROGRESS_BLOCK = Struct("<28s I I I I I Q Q ? 7x 8x")
_PROGRESS_FIELDS = Struct("<I I I I I Q Q ? 7x")
_PROGRESS_SLOTS = (
    Struct("<I"),
    None,
    Struct("<I"),
    None,
    None,
    Struct("<Q"),
    Struct("<Q"),
    Struct("<?"),
)
Progress.START = 24
Progress.ROOT = bytes.fromhex("2000000042575331")


def block_progress(
    pid: int = 0,
    name: str = "",
    bar: int = 0,
    description: str = "",
    unit: str = "",
    total: int = 0,
    done: int = 0,
    over: bool = False,
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 48
        tail += flat.string_chunk(name)
    else:
        name_at = 40
    if description:
        description_at = len(tail) + 40
        tail += flat.string_chunk(description)
    else:
        description_at = 32
    if unit:
        unit_at = len(tail) + 36
        tail += flat.string_chunk(unit)
    else:
        unit_at = 28
    return _PROGRESS_BLOCK.pack(_PROGRESS_HEAD, pid, name_at, bar, description_at, unit_at, total, done, over) + tail


def read_progress(data: bytes, at: int) -> Progress:
    if data[at - 24 : at + 4] == _PROGRESS_HEAD:
        pid, name, bar, description, unit, total, done, over = _PROGRESS_FIELDS.unpack_from(data, at + 4)
        name += at + 8
        description += at + 16
        unit += at + 20
    else:
        pid, name, bar, description, unit, total, done, over = flat.table_fields(data, at, _PROGRESS_SLOTS)
    return Progress(
        pid,
        flat.read_string(data, name),
        bar,
        flat.read_string(data, description),
        flat.read_string(data, unit),
        total,
        done,
        over,
    )


class LogLines(Message):
    """Node to driver: what a worker of its job wrote.

    Attributes:
        pid: Operating system's process id of the worker.
        stream: 1: standard output. 2: standard error.
        name: Actor's class, or "worker".
        text: Whole lines, each with its end.
    """

    __slots__ = (
        "pid",
        "stream",
        "name",
        "text",
    )

    def __init__(
        self,
        pid: int = 0,
        stream: int = 0,
        name: str = "",
        text: str = "",
    ) -> None:
        self.pid = pid
        self.stream = stream
        self.name = name
        self.text = text

    def block(self) -> bytes:
        return block_log_lines(self.pid, self.stream, self.name, self.text)

    @staticmethod
    def read(data: bytes, at: int) -> LogLines:
        return read_log_lines(data, at)


_LOG_LINES_HEAD = bytes.fromhex("0c001800040008000c0010000000000010000000")
_LOG_LINES_BLOCK = Struct("<20s I B 3x I I 4x 8x")
_LOG_LINES_FIELDS = Struct("<I B 3x I I 4x")
_LOG_LINES_SLOTS = (
    Struct("<I"),
    Struct("<B"),
    None,
    None,
)
LogLines.START = 16
LogLines.ROOT = bytes.fromhex("1800000042575331")


def block_log_lines(
    pid: int = 0,
    stream: int = 0,
    name: str = "",
    text: str = "",
) -> bytes:
    tail = b""
    if name:
        name_at = len(tail) + 20
        tail += flat.string_chunk(name)
    else:
        name_at = 12
    if text:
        text_at = len(tail) + 16
        tail += flat.string_chunk(text)
    else:
        text_at = 8
    return _LOG_LINES_BLOCK.pack(_LOG_LINES_HEAD, pid, stream, name_at, text_at) + tail


def read_log_lines(data: bytes, at: int) -> LogLines:
    if data[at - 16 : at + 4] == _LOG_LINES_HEAD:
        pid, stream, name, text = _LOG_LINES_FIELDS.unpack_from(data, at + 4)
        name += at + 12
        text += at + 16
    else:
        pid, stream, name, text = flat.table_fields(data, at, _LOG_LINES_SLOTS)
    return LogLines(
        pid,
        stream,
        flat.read_string(data, name),
        flat.read_string(data, text),
    )


class Task(Message):
    """Caller to worker: run this. Ends with one Result or one Returned of the same attempt.

    Attributes:
        id: The task.
        function: What to run: a function, or the class of the actor; a method is named by `method`.
        actor: The actor; zeros: none.
        owner: Process id (64 bits) of the caller, which owns the results.
        home: Home of the results.
        sequence: Place among the caller's calls to this incarnation of the actor, from 0; else 0.
        flags: Bits of TaskFlag.
        attempt: How many attempts were made before this one.
        epoch: Epoch of the lease; for an actor, its incarnation.
        num_returns: Number of results; -1: a stream.
        max_retries: Attempts that may follow a crash; -1: any number.
        priority: Greater runs first, where a worker has a choice among callers; of no effect in version 1.
        timeout_ms: Limit on the run, from its start; 0 or less: none.
        caller_language: Language of the caller: results are written so that it can read them. UNSPECIFIED: as OTHER.
        args: The arguments.
        method: Method's name, as its language writes it ("add", or "add(I)I" for one of Java's overloads); empty: none.
        name: The task's name for people; empty: the function's.
        concurrency_group: Concurrency group of the method; empty: the default one.
        trace_context: W3C trace context; empty: none.
        submitted_ns: When the caller's code made the call, in nanoseconds since 1970 UTC; 0: unknown.
    """

    __slots__ = (
        "id",
        "function",
        "actor",
        "owner",
        "home",
        "sequence",
        "flags",
        "attempt",
        "epoch",
        "num_returns",
        "max_retries",
        "priority",
        "timeout_ms",
        "caller_language",
        "args",
        "method",
        "name",
        "concurrency_group",
        "trace_context",
        "submitted_ns",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        function: bytes = bytes(16),
        actor: bytes = bytes(16),
        owner: int = 0,
        home: int = 0,
        sequence: int = 0,
        flags: int = 0,
        attempt: int = 0,
        epoch: int = 0,
        num_returns: int = 0,
        max_retries: int = 0,
        priority: int = 0,
        timeout_ms: int = 0,
        caller_language: int = 0,
        args: tuple[Arg, ...] = (),
        method: str = "",
        name: str = "",
        concurrency_group: str = "",
        trace_context: str = "",
        submitted_ns: int = 0,
    ) -> None:
        self.id = id
        self.function = function
        self.actor = actor
        self.owner = owner
        self.home = home
        self.sequence = sequence
        self.flags = flags
        self.attempt = attempt
        self.epoch = epoch
        self.num_returns = num_returns
        self.max_retries = max_retries
        self.priority = priority
        self.timeout_ms = timeout_ms
        self.caller_language = caller_language
        self.args = args
        self.method = method
        self.name = name
        self.concurrency_group = concurrency_group
        self.trace_context = trace_context
        self.submitted_ns = submitted_ns

    def block(self) -> bytes:
        return block_task(
            self.id,
            self.function,
            self.actor,
            self.owner,
            self.home,
            self.sequence,
            self.flags,
            self.attempt,
            self.epoch,
            self.num_returns,
            self.max_retries,
            self.priority,
            self.timeout_ms,
            self.caller_language,
            self.args,
            self.method,
            self.name,
            self.concurrency_group,
            self.trace_context,
            self.submitted_ns,
        )

    @staticmethod
    def read(data: bytes, at: int) -> Task:
        return read_task(data, at)


_TASK_HEAD = bytes.fromhex(
    "2c0090000400140024003800400048005000540058005c006000640068007000740078007c008000840088000000000030000000"
)
_TASK_BLOCK = Struct("<52s 16s 16s 16s 4x Q Q Q I I I i i i q B 3x I I I I I q 0x 8x")
_TASK_FIELDS = Struct("<16s 16s 16s 4x Q Q Q I I I i i i q B 3x I I I I I q 0x")
_TASK_SLOTS = (
    Struct("<16s"),
    Struct("<16s"),
    Struct("<16s"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<I"),
    Struct("<I"),
    Struct("<i"),
    Struct("<i"),
    Struct("<i"),
    Struct("<q"),
    Struct("<B"),
    None,
    None,
    None,
    None,
    None,
    Struct("<q"),
)
Task.START = 48
Task.ROOT = bytes.fromhex("3800000042575331")


def block_task(
    id: bytes = bytes(16),
    function: bytes = bytes(16),
    actor: bytes = bytes(16),
    owner: int = 0,
    home: int = 0,
    sequence: int = 0,
    flags: int = 0,
    attempt: int = 0,
    epoch: int = 0,
    num_returns: int = 0,
    max_retries: int = 0,
    priority: int = 0,
    timeout_ms: int = 0,
    caller_language: int = 0,
    args: tuple[Arg, ...] = (),
    method: str = "",
    name: str = "",
    concurrency_group: str = "",
    trace_context: str = "",
    submitted_ns: int = 0,
) -> bytes:
    tail = b""
    if args:
        args_at = len(tail) + 40
        tail += flat.wide_chunk(args, ARG)
    else:
        args_at = 32
    if method:
        method_at = len(tail) + 32
        tail += flat.string_chunk(method)
    else:
        method_at = 24
    if name:
        name_at = len(tail) + 28
        tail += flat.string_chunk(name)
    else:
        name_at = 20
    if concurrency_group:
        concurrency_group_at = len(tail) + 24
        tail += flat.string_chunk(concurrency_group)
    else:
        concurrency_group_at = 16
    if trace_context:
        trace_context_at = len(tail) + 20
        tail += flat.string_chunk(trace_context)
    else:
        trace_context_at = 12
    return (
        _TASK_BLOCK.pack(
            _TASK_HEAD,
            id,
            function,
            actor,
            owner,
            home,
            sequence,
            flags,
            attempt,
            epoch,
            num_returns,
            max_retries,
            priority,
            timeout_ms,
            caller_language,
            args_at,
            method_at,
            name_at,
            concurrency_group_at,
            trace_context_at,
            submitted_ns,
        )
        + tail
    )


def read_task(data: bytes, at: int) -> Task:
    if data[at - 48 : at + 4] == _TASK_HEAD:
        (
            id,
            function,
            actor,
            owner,
            home,
            sequence,
            flags,
            attempt,
            epoch,
            num_returns,
            max_retries,
            priority,
            timeout_ms,
            caller_language,
            args,
            method,
            name,
            concurrency_group,
            trace_context,
            submitted_ns,
        ) = _TASK_FIELDS.unpack_from(data, at + 4)
        args += at + 116
        method += at + 120
        name += at + 124
        concurrency_group += at + 128
        trace_context += at + 132
    else:
        (
            id,
            function,
            actor,
            owner,
            home,
            sequence,
            flags,
            attempt,
            epoch,
            num_returns,
            max_retries,
            priority,
            timeout_ms,
            caller_language,
            args,
            method,
            name,
            concurrency_group,
            trace_context,
            submitted_ns,
        ) = flat.table_fields(data, at, _TASK_SLOTS)
    return Task(
        id,
        function,
        actor,
        owner,
        home,
        sequence,
        flags,
        attempt,
        epoch,
        num_returns,
        max_retries,
        priority,
        timeout_ms,
        caller_language,
        flat.read_structs(data, args, ARG, Arg),
        flat.read_string(data, method),
        flat.read_string(data, name),
        flat.read_string(data, concurrency_group),
        flat.read_string(data, trace_context),
        submitted_ns,
    )


class Result(Message):
    """Worker to caller: the attempt is over.

    Attributes:
        id: The task.
        attempt: The attempt.
        status: How it ended.
        duration_ns: Time that user code took, in nanoseconds.
        returns: The results, by index from 0.
        kept: References from the arguments that the worker keeps; each is held at its home already.
    """

    __slots__ = (
        "id",
        "attempt",
        "status",
        "duration_ns",
        "returns",
        "kept",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        attempt: int = 0,
        status: int = 0,
        duration_ns: int = 0,
        returns: tuple[Return, ...] = (),
        kept: tuple[ObjectRef, ...] = (),
    ) -> None:
        self.id = id
        self.attempt = attempt
        self.status = status
        self.duration_ns = duration_ns
        self.returns = returns
        self.kept = kept

    def block(self) -> bytes:
        return block_result(self.id, self.attempt, self.status, self.duration_ns, self.returns, self.kept)

    @staticmethod
    def read(data: bytes, at: int) -> Result:
        return read_result(data, at)


_RESULT_HEAD = bytes.fromhex("10003000040014001800200028002c0010000000")
_RESULT_BLOCK = Struct("<20s 16s I B 7x Q I I 0x 8x")
_RESULT_FIELDS = Struct("<16s I B 7x Q I I 0x")
_RESULT_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
    Struct("<B"),
    Struct("<Q"),
    None,
    None,
)
Result.START = 16
Result.ROOT = bytes.fromhex("1800000042575331")


def block_result(
    id: bytes = bytes(16),
    attempt: int = 0,
    status: int = 0,
    duration_ns: int = 0,
    returns: tuple[Return, ...] = (),
    kept: tuple[ObjectRef, ...] = (),
) -> bytes:
    tail = b""
    if returns:
        returns_at = len(tail) + 16
        tail += flat.narrow_chunk(returns, RETURN)
    else:
        returns_at = 8
    if kept:
        kept_at = len(tail) + 16
        tail += flat.wide_chunk(kept, OBJECT_REF)
    else:
        kept_at = 8
    return _RESULT_BLOCK.pack(_RESULT_HEAD, id, attempt, status, duration_ns, returns_at, kept_at) + tail


def read_result(data: bytes, at: int) -> Result:
    if data[at - 16 : at + 4] == _RESULT_HEAD:
        id, attempt, status, duration_ns, returns, kept = _RESULT_FIELDS.unpack_from(data, at + 4)
        returns += at + 40
        kept += at + 44
    else:
        id, attempt, status, duration_ns, returns, kept = flat.table_fields(data, at, _RESULT_SLOTS)
    if status > 3:
        raise flat.unknown_value("Result.status", status)
    return Result(
        id,
        attempt,
        status,
        duration_ns,
        flat.read_structs(data, returns, RETURN, Return),
        flat.read_structs(data, kept, OBJECT_REF, ObjectRef),
    )


class StreamItem(Message):
    """Worker to caller: the next item of a stream. The body is the payload if INLINE.

    Attributes:
        id: The task.
        attempt: The attempt.
        index: Place in the stream, from 0; the item's object id has the index 0x80000000 + this.
        value: The item.
    """

    __slots__ = (
        "id",
        "attempt",
        "index",
        "value",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        attempt: int = 0,
        index: int = 0,
        value: Return = Return(0, 0, 0, 0, 0, 0, 0),
    ) -> None:
        self.id = id
        self.attempt = attempt
        self.index = index
        self.value = value

    def block(self) -> bytes:
        return block_stream_item(self.id, self.attempt, self.index, self.value)

    @staticmethod
    def read(data: bytes, at: int) -> StreamItem:
        return read_stream_item(data, at)


_STREAM_ITEM_HEAD = bytes.fromhex("0c0030000400140018001c000000000010000000")
_STREAM_ITEM_BLOCK = Struct("<20s 16s I I B B B B I I I 4x 8x")
_STREAM_ITEM_FIELDS = Struct("<16s I I B B B B I I I 4x")
_STREAM_ITEM_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
    Struct("<I"),
    Struct("<B B B B I I I"),
)
StreamItem.START = 16
StreamItem.ROOT = bytes.fromhex("1800000042575331")


def block_stream_item(
    id: bytes = bytes(16),
    attempt: int = 0,
    index: int = 0,
    value: Return = Return(0, 0, 0, 0, 0, 0, 0),
) -> bytes:
    return _STREAM_ITEM_BLOCK.pack(_STREAM_ITEM_HEAD, id, attempt, index, *value)


def read_stream_item(data: bytes, at: int) -> StreamItem:
    if data[at - 16 : at + 4] == _STREAM_ITEM_HEAD:
        id, attempt, index, value_0, value_1, value_2, value_3, value_4, value_5, value_6 = (
            _STREAM_ITEM_FIELDS.unpack_from(data, at + 4)
        )
    else:
        id, attempt, index, value_0, value_1, value_2, value_3, value_4, value_5, value_6 = flat.table_fields(
            data, at, _STREAM_ITEM_SLOTS
        )
    return StreamItem(
        id,
        attempt,
        index,
        Return(value_0, value_1, value_2, value_3, value_4, value_5, value_6),
    )


class Credits(Message):
    """Caller to worker: what may be sent of a stream. In order with its Task; later ones replace earlier ones.

    Attributes:
        id: The task.
        attempt: The attempt.
        first: Items before this place are not wanted: the caller has them from an earlier attempt.
        limit: How many items may be made in all, from the stream's start; never less than before. -1: any number.
    """

    __slots__ = (
        "id",
        "attempt",
        "first",
        "limit",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        attempt: int = 0,
        first: int = 0,
        limit: int = 0,
    ) -> None:
        self.id = id
        self.attempt = attempt
        self.first = first
        self.limit = limit

    def block(self) -> bytes:
        return block_credits(self.id, self.attempt, self.first, self.limit)

    @staticmethod
    def read(data: bytes, at: int) -> Credits:
        return read_credits(data, at)


_CREDITS_HEAD = bytes.fromhex("0c00280004001400180020000000000010000000")
_CREDITS_BLOCK = Struct("<20s 16s I I 4x q 0x 8x")
_CREDITS_FIELDS = Struct("<16s I I 4x q 0x")
_CREDITS_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
    Struct("<I"),
    Struct("<q"),
)
Credits.START = 16
Credits.ROOT = bytes.fromhex("1800000042575331")


def block_credits(
    id: bytes = bytes(16),
    attempt: int = 0,
    first: int = 0,
    limit: int = 0,
) -> bytes:
    return _CREDITS_BLOCK.pack(_CREDITS_HEAD, id, attempt, first, limit)


def read_credits(data: bytes, at: int) -> Credits:
    if data[at - 16 : at + 4] == _CREDITS_HEAD:
        id, attempt, first, limit = _CREDITS_FIELDS.unpack_from(data, at + 4)
    else:
        id, attempt, first, limit = flat.table_fields(data, at, _CREDITS_SLOTS)
    return Credits(
        id,
        attempt,
        first,
        limit,
    )


class Returned(Message):
    """Worker to caller: the attempt was not started and will not be. It costs no retry.

    Attributes:
        id: The task.
        attempt: The attempt.
    """

    __slots__ = (
        "id",
        "attempt",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        attempt: int = 0,
    ) -> None:
        self.id = id
        self.attempt = attempt

    def block(self) -> bytes:
        return block_returned(self.id, self.attempt)

    @staticmethod
    def read(data: bytes, at: int) -> Returned:
        return read_returned(data, at)


_RETURNED_HEAD = bytes.fromhex("080018000400140008000000")
_RETURNED_BLOCK = Struct("<12s 16s I 0x 8x")
_RETURNED_FIELDS = Struct("<16s I 0x")
_RETURNED_SLOTS = (
    Struct("<16s"),
    Struct("<I"),
)
Returned.START = 8
Returned.ROOT = bytes.fromhex("1000000042575331")


def block_returned(
    id: bytes = bytes(16),
    attempt: int = 0,
) -> bytes:
    return _RETURNED_BLOCK.pack(_RETURNED_HEAD, id, attempt)


def read_returned(data: bytes, at: int) -> Returned:
    if data[at - 8 : at + 4] == _RETURNED_HEAD:
        id, attempt = _RETURNED_FIELDS.unpack_from(data, at + 4)
    else:
        id, attempt = flat.table_fields(data, at, _RETURNED_SLOTS)
    return Returned(
        id,
        attempt,
    )


class Cancel(Message):
    """Caller to worker: end the task. In order with its Task.

    Attributes:
        id: The task.
        force: True: end the process if need be.
        recursive: True: cancel the task's children too.
    """

    __slots__ = (
        "id",
        "force",
        "recursive",
    )

    def __init__(
        self,
        id: bytes = bytes(16),
        force: bool = False,
        recursive: bool = False,
    ) -> None:
        self.id = id
        self.force = force
        self.recursive = recursive

    def block(self) -> bytes:
        return block_cancel(self.id, self.force, self.recursive)

    @staticmethod
    def read(data: bytes, at: int) -> Cancel:
        return read_cancel(data, at)


_CANCEL_HEAD = bytes.fromhex("0a00180004001400150000000000000010000000")
_CANCEL_BLOCK = Struct("<20s 16s ? ? 2x 8x")
_CANCEL_FIELDS = Struct("<16s ? ? 2x")
_CANCEL_SLOTS = (
    Struct("<16s"),
    Struct("<?"),
    Struct("<?"),
)
Cancel.START = 16
Cancel.ROOT = bytes.fromhex("1800000042575331")


def block_cancel(
    id: bytes = bytes(16),
    force: bool = False,
    recursive: bool = False,
) -> bytes:
    return _CANCEL_BLOCK.pack(_CANCEL_HEAD, id, force, recursive)


def read_cancel(data: bytes, at: int) -> Cancel:
    if data[at - 16 : at + 4] == _CANCEL_HEAD:
        id, force, recursive = _CANCEL_FIELDS.unpack_from(data, at + 4)
    else:
        id, force, recursive = flat.table_fields(data, at, _CANCEL_SLOTS)
    return Cancel(
        id,
        force,
        recursive,
    )


class Recall(Message):
    """Caller to worker: return up to this many queued tasks of mine, last first.

    Attributes:
        count: How many at most.
    """

    __slots__ = ("count",)

    def __init__(
        self,
        count: int = 0,
    ) -> None:
        self.count = count

    def block(self) -> bytes:
        return block_recall(self.count)

    @staticmethod
    def read(data: bytes, at: int) -> Recall:
        return read_recall(data, at)


_RECALL_HEAD = bytes.fromhex("060008000400000008000000")
_RECALL_BLOCK = Struct("<12s I 0x 8x")
_RECALL_FIELDS = Struct("<I 0x")
_RECALL_SLOTS = (Struct("<I"),)
Recall.START = 8
Recall.ROOT = bytes.fromhex("1000000042575331")


def block_recall(
    count: int = 0,
) -> bytes:
    return _RECALL_BLOCK.pack(_RECALL_HEAD, count)


def read_recall(data: bytes, at: int) -> Recall:
    if data[at - 8 : at + 4] == _RECALL_HEAD:
        (count,) = _RECALL_FIELDS.unpack_from(data, at + 4)
    else:
        (count,) = flat.table_fields(data, at, _RECALL_SLOTS)
    return Recall(
        count,
    )


class Deliver(Message):
    """Caller to worker: give the home the results of this task too.

    Attributes:
        id: The task.
    """

    __slots__ = ("id",)

    def __init__(
        self,
        id: bytes = bytes(16),
    ) -> None:
        self.id = id

    def block(self) -> bytes:
        return block_deliver(self.id)

    @staticmethod
    def read(data: bytes, at: int) -> Deliver:
        return read_deliver(data, at)


_DELIVER_HEAD = bytes.fromhex("060018000400000008000000")
_DELIVER_BLOCK = Struct("<12s 16s 4x 8x")
_DELIVER_FIELDS = Struct("<16s 4x")
_DELIVER_SLOTS = (Struct("<16s"),)
Deliver.START = 8
Deliver.ROOT = bytes.fromhex("1000000042575331")


def block_deliver(
    id: bytes = bytes(16),
) -> bytes:
    return _DELIVER_BLOCK.pack(_DELIVER_HEAD, id)


def read_deliver(data: bytes, at: int) -> Deliver:
    if data[at - 8 : at + 4] == _DELIVER_HEAD:
        (id,) = _DELIVER_FIELDS.unpack_from(data, at + 4)
    else:
        (id,) = flat.table_fields(data, at, _DELIVER_SLOTS)
    return Deliver(
        id,
    )


class TaskFailure(Message):
    """Why an attempt failed, for the log.

    Attributes:
        event: Place of the attempt in TaskEvents.events, from 0.
        code: The error's code.
        type_name: Class of what was raised, fully qualified; empty: unknown.
        message: The first 200 characters of what it says.
    """

    __slots__ = (
        "event",
        "code",
        "type_name",
        "message",
    )

    def __init__(
        self,
        event: int = 0,
        code: int = 0,
        type_name: str = "",
        message: str = "",
    ) -> None:
        self.event = event
        self.code = code
        self.type_name = type_name
        self.message = message

    def block(self) -> bytes:
        return block_task_failure(self.event, self.code, self.type_name, self.message)

    @staticmethod
    def read(data: bytes, at: int) -> TaskFailure:
        return read_task_failure(data, at)


_TASK_FAILURE_HEAD = bytes.fromhex("0c001800040008000c0010000000000010000000")
_TASK_FAILURE_BLOCK = Struct("<20s I H 2x I I 4x 8x")
_TASK_FAILURE_FIELDS = Struct("<I H 2x I I 4x")
_TASK_FAILURE_SLOTS = (
    Struct("<I"),
    Struct("<H"),
    None,
    None,
)
TaskFailure.START = 16
TaskFailure.ROOT = bytes.fromhex("1800000042575331")


def block_task_failure(
    event: int = 0,
    code: int = 0,
    type_name: str = "",
    message: str = "",
) -> bytes:
    tail = b""
    if type_name:
        type_name_at = len(tail) + 20
        tail += flat.string_chunk(type_name)
    else:
        type_name_at = 12
    if message:
        message_at = len(tail) + 16
        tail += flat.string_chunk(message)
    else:
        message_at = 8
    return _TASK_FAILURE_BLOCK.pack(_TASK_FAILURE_HEAD, event, code, type_name_at, message_at) + tail


def read_task_failure(data: bytes, at: int) -> TaskFailure:
    if data[at - 16 : at + 4] == _TASK_FAILURE_HEAD:
        event, code, type_name, message = _TASK_FAILURE_FIELDS.unpack_from(data, at + 4)
        type_name += at + 12
        message += at + 16
    else:
        event, code, type_name, message = flat.table_fields(data, at, _TASK_FAILURE_SLOTS)
    return TaskFailure(
        event,
        code,
        flat.read_string(data, type_name),
        flat.read_string(data, message),
    )


class TaskEvents(Message):
    """Frontend to node: a worker's: what it ran, in order; a driver's: what will never run.

    Attributes:
        events: The events.
        labels: Names that the events refer to.
        failures: Of the events whose status is ERROR: why.
        spans: What else took time.
    """

    __slots__ = (
        "events",
        "labels",
        "failures",
        "spans",
    )

    def __init__(
        self,
        events: tuple[TaskEvent, ...] = (),
        labels: tuple[str, ...] = (),
        failures: tuple[TaskFailure, ...] = (),
        spans: tuple[TaskSpan, ...] = (),
    ) -> None:
        self.events = events
        self.labels = labels
        self.failures = failures
        self.spans = spans

    def block(self) -> bytes:
        return block_task_events(self.events, self.labels, self.failures, self.spans)

    @staticmethod
    def read(data: bytes, at: int) -> TaskEvents:
        return read_task_events(data, at)


_TASK_EVENTS_HEAD = bytes.fromhex("0c001800040008000c0010000000000010000000")
_TASK_EVENTS_BLOCK = Struct("<20s I I I I 4x 8x")
_TASK_EVENTS_FIELDS = Struct("<I I I I 4x")
_TASK_EVENTS_SLOTS = (
    None,
    None,
    None,
    None,
)
TaskEvents.START = 16
TaskEvents.ROOT = bytes.fromhex("1800000042575331")


def block_task_events(
    events: tuple[TaskEvent, ...] = (),
    labels: tuple[str, ...] = (),
    failures: tuple[TaskFailure, ...] = (),
    spans: tuple[TaskSpan, ...] = (),
) -> bytes:
    tail = b""
    if events:
        events_at = len(tail) + 32
        tail += flat.wide_chunk(events, TASK_EVENT)
    else:
        events_at = 24
    if labels:
        labels_at = len(tail) + 24
        tail += flat.strings_chunk(labels)
    else:
        labels_at = 16
    if failures:
        failures_at = len(tail) + 20
        tail += flat.tables_chunk(failures, 16)
    else:
        failures_at = 12
    if spans:
        spans_at = len(tail) + 20
        tail += flat.wide_chunk(spans, TASK_SPAN)
    else:
        spans_at = 12
    return _TASK_EVENTS_BLOCK.pack(_TASK_EVENTS_HEAD, events_at, labels_at, failures_at, spans_at) + tail


def read_task_events(data: bytes, at: int) -> TaskEvents:
    if data[at - 16 : at + 4] == _TASK_EVENTS_HEAD:
        events, labels, failures, spans = _TASK_EVENTS_FIELDS.unpack_from(data, at + 4)
        events += at + 4
        labels += at + 8
        failures += at + 12
        spans += at + 16
    else:
        events, labels, failures, spans = flat.table_fields(data, at, _TASK_EVENTS_SLOTS)
    return TaskEvents(
        flat.read_structs(data, events, TASK_EVENT, TaskEvent),
        flat.read_strings(data, labels),
        flat.read_tables(data, failures, read_task_failure),
        flat.read_structs(data, spans, TASK_SPAN, TaskSpan),
    )


class Challenge(Message):
    """First frame of every connection, from the side that accepted it.

    Attributes:
        min_version: Lowest spec version that this side speaks.
        max_version: Highest spec version that this side speaks.
        nonce: 32 fresh random bytes.
    """

    __slots__ = (
        "min_version",
        "max_version",
        "nonce",
    )

    def __init__(
        self,
        min_version: int = 0,
        max_version: int = 0,
        nonce: bytes = b"",
    ) -> None:
        self.min_version = min_version
        self.max_version = max_version
        self.nonce = nonce

    def block(self) -> bytes:
        return block_challenge(self.min_version, self.max_version, self.nonce)

    @staticmethod
    def read(data: bytes, at: int) -> Challenge:
        return read_challenge(data, at)


_CHALLENGE_HEAD = bytes.fromhex("0a00100004000600080000000000000010000000")
_CHALLENGE_BLOCK = Struct("<20s H H I 4x 8x")
_CHALLENGE_FIELDS = Struct("<H H I 4x")
_CHALLENGE_SLOTS = (
    Struct("<H"),
    Struct("<H"),
    None,
)
Challenge.START = 16
Challenge.ROOT = bytes.fromhex("1800000042575331")


def block_challenge(
    min_version: int = 0,
    max_version: int = 0,
    nonce: bytes = b"",
) -> bytes:
    tail = b""
    if nonce:
        nonce_at = len(tail) + 16
        tail += flat.blob_chunk(nonce)
    else:
        nonce_at = 8
    return _CHALLENGE_BLOCK.pack(_CHALLENGE_HEAD, min_version, max_version, nonce_at) + tail


def read_challenge(data: bytes, at: int) -> Challenge:
    if data[at - 16 : at + 4] == _CHALLENGE_HEAD:
        min_version, max_version, nonce = _CHALLENGE_FIELDS.unpack_from(data, at + 4)
        nonce += at + 8
    else:
        min_version, max_version, nonce = flat.table_fields(data, at, _CHALLENGE_SLOTS)
    return Challenge(
        min_version,
        max_version,
        flat.read_blob(data, nonce),
    )


class Hello(Message):
    """The answer to a Challenge.

    Attributes:
        min_version: Lowest spec version that this side speaks.
        max_version: Highest spec version that this side speaks.
        role: What this process is.
        language: The process's language.
        pid: Operating system's process id.
        process: 64 random bits that name this incarnation of the process; not 0.
        features: Feature bits that this side has; none is defined in version 1.
        worker_slot: Worker to node: the number that the node gave the worker at its start; else 0.
        job: Worker to caller and caller to worker: the job; driver to node: 0.
        owns_runtime: True if the runtime ends when this driver's process ends.
        proof: HMAC-SHA-256 of "bowstring-hello" and the nonce, keyed with the token.
        language_version: Language's version, as "3.11.7" or "17.0.15".
        address: Worker: path of the Unix socket on which it listens. Others: empty.
        namespace: Driver: namespace of its named actors; empty: one of its own.
        python_path: Driver: where its Python workers look for modules, first first.
        class_path: Driver: where its Java workers look for classes, first first.
        working_directory: Driver: working directory of its workers; empty: the node's.
    """

    __slots__ = (
        "min_version",
        "max_version",
        "role",
        "language",
        "pid",
        "process",
        "features",
        "worker_slot",
        "job",
        "owns_runtime",
        "proof",
        "language_version",
        "address",
        "namespace",
        "python_path",
        "class_path",
        "working_directory",
    )

    def __init__(
        self,
        min_version: int = 0,
        max_version: int = 0,
        role: int = 0,
        language: int = 0,
        pid: int = 0,
        process: int = 0,
        features: int = 0,
        worker_slot: int = 0,
        job: int = 0,
        owns_runtime: bool = False,
        proof: bytes = b"",
        language_version: str = "",
        address: str = "",
        namespace: str = "",
        python_path: tuple[str, ...] = (),
        class_path: tuple[str, ...] = (),
        working_directory: str = "",
    ) -> None:
        self.min_version = min_version
        self.max_version = max_version
        self.role = role
        self.language = language
        self.pid = pid
        self.process = process
        self.features = features
        self.worker_slot = worker_slot
        self.job = job
        self.owns_runtime = owns_runtime
        self.proof = proof
        self.language_version = language_version
        self.address = address
        self.namespace = namespace
        self.python_path = python_path
        self.class_path = class_path
        self.working_directory = working_directory

    def block(self) -> bytes:
        return block_hello(
            self.min_version,
            self.max_version,
            self.role,
            self.language,
            self.pid,
            self.process,
            self.features,
            self.worker_slot,
            self.job,
            self.owns_runtime,
            self.proof,
            self.language_version,
            self.address,
            self.namespace,
            self.python_path,
            self.class_path,
            self.working_directory,
        )

    @staticmethod
    def read(data: bytes, at: int) -> Hello:
        return read_hello(data, at)


_HELLO_HEAD = bytes.fromhex("2600480004000600080009000c00100018002000240028002c003000340038003c0040004400000028000000")
_HELLO_BLOCK = Struct("<44s H H B B 2x I Q Q I I ? 3x I I I I I I I 0x 8x")
_HELLO_FIELDS = Struct("<H H B B 2x I Q Q I I ? 3x I I I I I I I 0x")
_HELLO_SLOTS = (
    Struct("<H"),
    Struct("<H"),
    Struct("<B"),
    Struct("<B"),
    Struct("<I"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<I"),
    Struct("<?"),
    None,
    None,
    None,
    None,
    None,
    None,
    None,
)
Hello.START = 40
Hello.ROOT = bytes.fromhex("3000000042575331")


def block_hello(
    min_version: int = 0,
    max_version: int = 0,
    role: int = 0,
    language: int = 0,
    pid: int = 0,
    process: int = 0,
    features: int = 0,
    worker_slot: int = 0,
    job: int = 0,
    owns_runtime: bool = False,
    proof: bytes = b"",
    language_version: str = "",
    address: str = "",
    namespace: str = "",
    python_path: tuple[str, ...] = (),
    class_path: tuple[str, ...] = (),
    working_directory: str = "",
) -> bytes:
    tail = b""
    if proof:
        proof_at = len(tail) + 36
        tail += flat.blob_chunk(proof)
    else:
        proof_at = 28
    if language_version:
        language_version_at = len(tail) + 32
        tail += flat.string_chunk(language_version)
    else:
        language_version_at = 24
    if address:
        address_at = len(tail) + 28
        tail += flat.string_chunk(address)
    else:
        address_at = 20
    if namespace:
        namespace_at = len(tail) + 24
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 16
    if python_path:
        python_path_at = len(tail) + 20
        tail += flat.strings_chunk(python_path)
    else:
        python_path_at = 12
    if class_path:
        class_path_at = len(tail) + 16
        tail += flat.strings_chunk(class_path)
    else:
        class_path_at = 8
    if working_directory:
        working_directory_at = len(tail) + 12
        tail += flat.string_chunk(working_directory)
    else:
        working_directory_at = 4
    return (
        _HELLO_BLOCK.pack(
            _HELLO_HEAD,
            min_version,
            max_version,
            role,
            language,
            pid,
            process,
            features,
            worker_slot,
            job,
            owns_runtime,
            proof_at,
            language_version_at,
            address_at,
            namespace_at,
            python_path_at,
            class_path_at,
            working_directory_at,
        )
        + tail
    )


def read_hello(data: bytes, at: int) -> Hello:
    if data[at - 40 : at + 4] == _HELLO_HEAD:
        (
            min_version,
            max_version,
            role,
            language,
            pid,
            process,
            features,
            worker_slot,
            job,
            owns_runtime,
            proof,
            language_version,
            address,
            namespace,
            python_path,
            class_path,
            working_directory,
        ) = _HELLO_FIELDS.unpack_from(data, at + 4)
        proof += at + 44
        language_version += at + 48
        address += at + 52
        namespace += at + 56
        python_path += at + 60
        class_path += at + 64
        working_directory += at + 68
    else:
        (
            min_version,
            max_version,
            role,
            language,
            pid,
            process,
            features,
            worker_slot,
            job,
            owns_runtime,
            proof,
            language_version,
            address,
            namespace,
            python_path,
            class_path,
            working_directory,
        ) = flat.table_fields(data, at, _HELLO_SLOTS)
    return Hello(
        min_version,
        max_version,
        role,
        language,
        pid,
        process,
        features,
        worker_slot,
        job,
        owns_runtime,
        flat.read_blob(data, proof),
        flat.read_string(data, language_version),
        flat.read_string(data, address),
        flat.read_string(data, namespace),
        flat.read_strings(data, python_path),
        flat.read_strings(data, class_path),
        flat.read_string(data, working_directory),
    )


class Welcome(Message):
    """The answer to a Hello that is accepted.

    Attributes:
        version: Spec version of the rest of this connection.
        features: Feature bits that both sides have.
        process: Process id (64 bits) of the side that accepted.
        pid: Operating system's process id of the side that accepted.
        node: From a node: its id. From a worker: the id of its node.
        job: From a node: the driver's job. From a worker: 0.
        inline_bytes_max: Values up to this many bytes travel inside frames; larger ones through the store.
        session_path: From a node: the session's folder.
        namespace: From a node: namespace of the driver's named actors.
        ones_path: From a node: file of ones to open and map read-only (spec section 3.14); empty: there is none.
    """

    __slots__ = (
        "version",
        "features",
        "process",
        "pid",
        "node",
        "job",
        "inline_bytes_max",
        "session_path",
        "namespace",
        "ones_path",
    )

    def __init__(
        self,
        version: int = 0,
        features: int = 0,
        process: int = 0,
        pid: int = 0,
        node: int = 0,
        job: int = 0,
        inline_bytes_max: int = 0,
        session_path: str = "",
        namespace: str = "",
        ones_path: str = "",
    ) -> None:
        self.version = version
        self.features = features
        self.process = process
        self.pid = pid
        self.node = node
        self.job = job
        self.inline_bytes_max = inline_bytes_max
        self.session_path = session_path
        self.namespace = namespace
        self.ones_path = ones_path

    def block(self) -> bytes:
        return block_welcome(
            self.version,
            self.features,
            self.process,
            self.pid,
            self.node,
            self.job,
            self.inline_bytes_max,
            self.session_path,
            self.namespace,
            self.ones_path,
        )

    @staticmethod
    def read(data: bytes, at: int) -> Welcome:
        return read_welcome(data, at)


_WELCOME_HEAD = bytes.fromhex("180040000400080010001800200028002c0030003400380018000000")
_WELCOME_BLOCK = Struct("<28s H 2x Q Q I 4x Q I I I I I 4x 8x")
_WELCOME_FIELDS = Struct("<H 2x Q Q I 4x Q I I I I I 4x")
_WELCOME_SLOTS = (
    Struct("<H"),
    Struct("<Q"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<Q"),
    Struct("<I"),
    Struct("<I"),
    None,
    None,
    None,
)
Welcome.START = 24
Welcome.ROOT = bytes.fromhex("2000000042575331")


def block_welcome(
    version: int = 0,
    features: int = 0,
    process: int = 0,
    pid: int = 0,
    node: int = 0,
    job: int = 0,
    inline_bytes_max: int = 0,
    session_path: str = "",
    namespace: str = "",
    ones_path: str = "",
) -> bytes:
    tail = b""
    if session_path:
        session_path_at = len(tail) + 24
        tail += flat.string_chunk(session_path)
    else:
        session_path_at = 16
    if namespace:
        namespace_at = len(tail) + 20
        tail += flat.string_chunk(namespace)
    else:
        namespace_at = 12
    if ones_path:
        ones_path_at = len(tail) + 16
        tail += flat.string_chunk(ones_path)
    else:
        ones_path_at = 8
    return (
        _WELCOME_BLOCK.pack(
            _WELCOME_HEAD,
            version,
            features,
            process,
            pid,
            node,
            job,
            inline_bytes_max,
            session_path_at,
            namespace_at,
            ones_path_at,
        )
        + tail
    )


def read_welcome(data: bytes, at: int) -> Welcome:
    if data[at - 24 : at + 4] == _WELCOME_HEAD:
        version, features, process, pid, node, job, inline_bytes_max, session_path, namespace, ones_path = (
            _WELCOME_FIELDS.unpack_from(data, at + 4)
        )
        session_path += at + 48
        namespace += at + 52
        ones_path += at + 56
    else:
        version, features, process, pid, node, job, inline_bytes_max, session_path, namespace, ones_path = (
            flat.table_fields(data, at, _WELCOME_SLOTS)
        )
    return Welcome(
        version,
        features,
        process,
        pid,
        node,
        job,
        inline_bytes_max,
        flat.read_string(data, session_path),
        flat.read_string(data, namespace),
        flat.read_string(data, ones_path),
    )


class GoAway(Message):
    """The last frame of a connection: why it ends.

    Attributes:
        error: Why.
    """

    __slots__ = ("error",)

    def __init__(
        self,
        error: ErrorRecord | None = None,
    ) -> None:
        self.error = error

    def block(self) -> bytes:
        return block_go_away(self.error)

    @staticmethod
    def read(data: bytes, at: int) -> GoAway:
        return read_go_away(data, at)


_GO_AWAY_HEAD = bytes.fromhex("060008000400000008000000")
_GO_AWAY_BLOCK = Struct("<12s I 0x 8x")
_GO_AWAY_FIELDS = Struct("<I 0x")
_GO_AWAY_SLOTS = (None,)
GoAway.START = 8
GoAway.ROOT = bytes.fromhex("1000000042575331")


def block_go_away(
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    error_at = len(tail) + 44
    tail += (error or ErrorRecord()).block()
    return _GO_AWAY_BLOCK.pack(_GO_AWAY_HEAD, error_at) + tail


def read_go_away(data: bytes, at: int) -> GoAway:
    if data[at - 8 : at + 4] == _GO_AWAY_HEAD:
        (error,) = _GO_AWAY_FIELDS.unpack_from(data, at + 4)
        error += at + 4
    else:
        (error,) = flat.table_fields(data, at, _GO_AWAY_SLOTS)
    return GoAway(
        flat.read_table(data, error, read_error_record),
    )


class Ack(Message):
    """A request was carried out and has no other answer.

    Attributes:
        request: The request.
    """

    __slots__ = ("request",)

    def __init__(
        self,
        request: int = 0,
    ) -> None:
        self.request = request

    def block(self) -> bytes:
        return block_ack(self.request)

    @staticmethod
    def read(data: bytes, at: int) -> Ack:
        return read_ack(data, at)


_ACK_HEAD = bytes.fromhex("060010000800000008000000")
_ACK_BLOCK = Struct("<12s 4x Q 0x 8x")
_ACK_FIELDS = Struct("<4x Q 0x")
_ACK_SLOTS = (Struct("<Q"),)
Ack.START = 8
Ack.ROOT = bytes.fromhex("1000000042575331")


def block_ack(
    request: int = 0,
) -> bytes:
    return _ACK_BLOCK.pack(_ACK_HEAD, request)


def read_ack(data: bytes, at: int) -> Ack:
    if data[at - 8 : at + 4] == _ACK_HEAD:
        (request,) = _ACK_FIELDS.unpack_from(data, at + 4)
    else:
        (request,) = flat.table_fields(data, at, _ACK_SLOTS)
    return Ack(
        request,
    )


class Failure(Message):
    """A request failed.

    Attributes:
        request: The request.
        error: Why.
    """

    __slots__ = (
        "request",
        "error",
    )

    def __init__(
        self,
        request: int = 0,
        error: ErrorRecord | None = None,
    ) -> None:
        self.request = request
        self.error = error

    def block(self) -> bytes:
        return block_failure(self.request, self.error)

    @staticmethod
    def read(data: bytes, at: int) -> Failure:
        return read_failure(data, at)


_FAILURE_HEAD = bytes.fromhex("080018000800100008000000")
_FAILURE_BLOCK = Struct("<12s 4x Q I 4x 8x")
_FAILURE_FIELDS = Struct("<4x Q I 4x")
_FAILURE_SLOTS = (
    Struct("<Q"),
    None,
)
Failure.START = 8
Failure.ROOT = bytes.fromhex("1000000042575331")


def block_failure(
    request: int = 0,
    error: ErrorRecord | None = None,
) -> bytes:
    tail = b""
    error_at = len(tail) + 48
    tail += (error or ErrorRecord()).block()
    return _FAILURE_BLOCK.pack(_FAILURE_HEAD, request, error_at) + tail


def read_failure(data: bytes, at: int) -> Failure:
    if data[at - 8 : at + 4] == _FAILURE_HEAD:
        request, error = _FAILURE_FIELDS.unpack_from(data, at + 4)
        error += at + 16
    else:
        request, error = flat.table_fields(data, at, _FAILURE_SLOTS)
    return Failure(
        request,
        flat.read_table(data, error, read_error_record),
    )


class Shutdown(Message):
    """Node to worker: end. Owner of the runtime to node: end the runtime.

    Attributes:
        graceful: True: finish what is queued first.
        reason: Why, for people; empty: no reason given.
    """

    __slots__ = (
        "graceful",
        "reason",
    )

    def __init__(
        self,
        graceful: bool = False,
        reason: str = "",
    ) -> None:
        self.graceful = graceful
        self.reason = reason

    def block(self) -> bytes:
        return block_shutdown(self.graceful, self.reason)

    @staticmethod
    def read(data: bytes, at: int) -> Shutdown:
        return read_shutdown(data, at)


_SHUTDOWN_HEAD = bytes.fromhex("080010000400080008000000")
_SHUTDOWN_BLOCK = Struct("<12s ? 3x I 4x 8x")
_SHUTDOWN_FIELDS = Struct("<? 3x I 4x")
_SHUTDOWN_SLOTS = (
    Struct("<?"),
    None,
)
Shutdown.START = 8
Shutdown.ROOT = bytes.fromhex("1000000042575331")


def block_shutdown(
    graceful: bool = False,
    reason: str = "",
) -> bytes:
    tail = b""
    if reason:
        reason_at = len(tail) + 16
        tail += flat.string_chunk(reason)
    else:
        reason_at = 8
    return _SHUTDOWN_BLOCK.pack(_SHUTDOWN_HEAD, graceful, reason_at) + tail


def read_shutdown(data: bytes, at: int) -> Shutdown:
    if data[at - 8 : at + 4] == _SHUTDOWN_HEAD:
        graceful, reason = _SHUTDOWN_FIELDS.unpack_from(data, at + 4)
        reason += at + 8
    else:
        graceful, reason = flat.table_fields(data, at, _SHUTDOWN_SLOTS)
    return Shutdown(
        graceful,
        flat.read_string(data, reason),
    )


FRAME_TYPES: dict[int, type[Message]] = {
    1: Challenge,
    2: Hello,
    3: Welcome,
    4: GoAway,
    5: Ack,
    6: Failure,
    16: LeaseRequest,
    17: LeaseGrant,
    18: LeaseReturn,
    19: LeaseRevoke,
    20: LeaseRevoked,
    21: LeaseEnded,
    22: LeaseWithdraw,
    23: Blocked,
    24: Unblocked,
    25: WorkerBind,
    26: LeaseRecall,
    27: WorkerEnding,
    32: Task,
    33: Result,
    34: Cancel,
    35: Recall,
    36: Returned,
    37: Deliver,
    38: StreamItem,
    41: Credits,
    48: ObjectPublish,
    49: ObjectSeal,
    50: RefUpdate,
    51: RefHold,
    52: ObjectGet,
    53: ObjectValue,
    54: ObjectUnpin,
    55: ObjectGetCancel,
    56: ExtentAllocate,
    57: ExtentGrant,
    58: SegmentMapped,
    59: SegmentDropped,
    60: ExtentReturn,
    61: Transcode,
    62: Transcoded,
    63: SlabRecall,
    72: FunctionPut,
    73: FunctionGet,
    74: Function,
    80: ActorCreate,
    81: ActorSubscribe,
    82: ActorState,
    83: ActorKill,
    84: ActorLookup,
    85: ActorInfo,
    86: ActorStart,
    87: ActorStarted,
    88: ActorExit,
    89: ActorLog,
    90: ActorEnd,
    91: ActorEnded,
    96: StateQuery,
    97: StateReply,
    98: TaskEvents,
    99: LogLines,
    100: Shutdown,
    101: Inspect,
    102: Inspected,
    103: Progress,
    112: EnvironmentMake,
    113: EnvironmentMade,
    116: PlacementCreate,
    117: PlacementRemove,
    118: PlacementLookup,
    119: PlacementInfo,
}
