"""Every bound of the core on a queue, cache, buffer, retry or wait, with its reason."""

from __future__ import annotations

# Connections ---------------------------------------------------------------------------------------------------------

# Peers that have not proved the token yet; more than any start of a large driver makes at once.
HANDSHAKES_MAX = 256
# One read; large enough that a batch of small frames costs one system call.
READ_BYTES = 256 << 10
# A peer that leaves this much unread is not read from until half of it is gone: its requests cause the output.
OUTPUT_PAUSE_BYTES = 32 << 20
# What is pushed without a request (log lines) is dropped beyond this.
OUTPUT_DROP_BYTES = 8 << 20
# Beyond this a peer is cut off: it does not read, and the node's memory is not its buffer.
OUTPUT_BYTES_MAX = 1 << 30
# Pieces handed to one sendmsg; Linux takes 1,024 at most.
SEND_PIECES_MAX = 512
# Bodies up to this size are joined with their head: one piece costs less than two.
JOIN_BYTES_MAX = 16 << 10

# A peer has this long to read the last frame of a connection.
GO_AWAY_S = 2.0

# Scheduling ----------------------------------------------------------------------------------------------------------

# A lease is left alone this long before it is recalled for somebody who waits; long against the cost of moving it.
LEASE_QUANTUM_S = 0.02
# Every so many grants go to who was served longest ago, the others to the deepest of nested tasks.
FAIR_GRANT_EVERY = 4
# Requests of one demand that can't be met and are looked at in one turn, for recalls; the others are like them.
UNMET_LOOKED_AT = 16
# Workers that one LeaseRequest may ask for; more than that is a mistake, not a wish.
LEASES_OF_A_REQUEST_MAX = 100_000
# A request that waits this long keeps what it needs from being granted to later ones, so that large demands get a turn;
# CPUs and memory only if it lacks nothing else.
RESERVE_AFTER_S = 0.5
# A worker of an ended caller has this long to stop; its task's result is wanted by nobody.
ORPHAN_GRACE_S = 2.0
# Starts of a worker that fail one after the other before those who wait for it are told.
START_FAILURES_MAX = 3
# The same of starts that something killed from outside, which says little about the next; a machine that has no memory
# left for a worker kills each, and has to be told of at some time.
START_KILLS_MAX = 32
# A worker that has said that it ends, as for System.exit, has this long for the shutdown hooks of user code. Hooks that
# only close things need less, and whoever waits for its task waits that long (spec 4.3/5).
ENDING_S = 5.0
# A worker that has not said Hello this long after its start is ended.
START_TIMEOUT_S = 60.0
# Workers that are starting at one time, by language: more would only slow each other.
STARTING_PYTHON_MAX = 16
STARTING_JAVA_MAX = 4
# Live workers; each costs the node four descriptors and the machine some megabytes.
WORKERS_MAX = 2_000
# Python workers started before anybody asks.
PRESTART_MAX = 4
# The first JVM of a Python job that names Java classes is started this long after its driver came, out of the way of
# the first Python workers.
JVM_AHEAD_S = 0.1
# The next spare JVM is started this long after the last one was taken.
JVM_SPARE_S = 0.2
# An idle worker beyond the number of CPUs is ended after this.
IDLE_WORKER_S = 30.0

# Placement groups ----------------------------------------------------------------------------------------------------

# Bundles of one group, and groups of a node: what is looked through in one turn.
BUNDLES_MAX = 1_000
GROUPS_MAX = 10_000

# Environments --------------------------------------------------------------------------------------------------------

# What one working directory, module or archive may hold, unpacked; more is data, and belongs elsewhere.
PACKAGE_BYTES_MAX = 1 << 30
PACKAGE_FILES_MAX = 100_000
# The making of an environment ends after this, unless it says otherwise itself.
ENVIRONMENT_S = 600.0
# Reading and copying of sources ends after this.
PACKAGES_S = 300.0
# Virtual environments that are kept for later runtimes, besides those in use.
ENVIRONMENTS_KEPT = 16
# What an error shows of the output of pip or uv.
TOOL_OUTPUT_BYTES_MAX = 8 << 10
# The zygote of an environment without workers ends after this.
IDLE_ZYGOTE_S = 60.0
# A look at whether somebody else has made an environment.
ENVIRONMENT_LOOK_S = 0.05
# Environments that the frontends of one runtime may have made; what names more makes them by mistake.
ENVIRONMENTS_MAX = 10_000

# Actors --------------------------------------------------------------------------------------------------------------

# An actor that is out of scope or exits has this long to end by itself.
ACTOR_GRACE_S = 10.0
# A life shorter than this counts as a failed start; the next restart waits.
ACTOR_SHORT_LIFE_S = 1.0
# First wait before a restart after a short life, and the longest.
ACTOR_BACKOFF_S = 0.05
ACTOR_BACKOFF_MAX_S = 5.0
# A subscription to an actor that nobody has made by then is answered with DEAD. Who may know the id has written the
# creation to its socket before, so this is long.
UNKNOWN_ACTOR_S = 10.0
# Dead actors that are remembered with their reason.
DEAD_ACTORS_MAX = 10_000
# Actors that share one worker's process; more would only make its end dearer.
SHARED_ACTORS_MAX = 64
# An actor that shares a process and is killed is given up by its worker in this time, or the process is ended.
SHARED_KILL_S = 5.0
# What the logged calls of one actor take until its state is saved: the 32 MiB after which its worker must stop, and the
# largest call (spec 5.4/4).
CALL_LOG_BYTES_MAX = 96 << 20

# Objects -------------------------------------------------------------------------------------------------------------

# Freed objects that are remembered, so that a late ObjectGet is answered instead of left waiting.
FREED_OBJECTS_MAX = 32_768
# A FunctionGet that nobody has answered by then fails. Who uses a key has written its put before, so this is long.
FUNCTION_WAIT_S = 10.0

# Store ---------------------------------------------------------------------------------------------------------------

# Share of the machine's memory that the store may take when nothing is said.
STORE_SHARE = 0.3
# Memory that the machine must keep available whatever the store may take.
MEMORY_MARGIN_BYTES = 256 << 20
# What the machine must keep available before the greediest task is ended; less than what the store leaves it.
MEMORY_RESERVE_BYTES = 128 << 20
# A worker with less than this is not ended for the machine's sake: it would not help.
GUARD_BYTES_MIN = 64 << 20
# Looks at what the machine has left: this far apart at most and at least, and no memory fills faster than this.
GUARD_WAIT_MAX_S = 1.0
GUARD_WAIT_MIN_S = 0.05
GUARD_FILL_BYTES_PER_S = 4 << 30
# A worker that was told to end because of memory has this long to do so before another one is.
GUARD_PATIENCE_S = 2.0
# Looks at workers whose memory is limited: this far apart.
MEMORY_LOOK_S = 0.1
# The file of ones, whose mappings side by side are validity bitmaps of any length. The longest bitmap that Java can ask
# for, of 2^31 rows, is 256 mappings of it; filling it takes less than a millisecond.
ONES_BYTES = 1 << 20
# Length of a segment for small extents; only what is used of it is backed. In a small store it is less, so that what is
# open in one segment keeps only a part of the store from being used otherwise.
SEGMENT_BYTES = 64 << 20
SEGMENT_BYTES_MIN = 8 << 20
SEGMENTS_OF_A_STORE_MIN = 8
# Extents of more than a fourth of that get a segment of their own.
EXTENTS_OF_A_SEGMENT_MIN = 4
# A free segment of one large extent is used again for one that fills this share of it.
RECYCLE_SHARE = 0.8
# Free large segments that are kept warm for one writer.
WARM_SEGMENTS_MAX = 16
# Backing grows in steps of this.
BACKING_STEP_BYTES = 1 << 20
# One step of backing between two looks at the sockets: about 4 ms of zeroing pages.
BACKING_TURN_BYTES = 4 << 20
# What is backed ahead of the next extent of a process that allocates.
BACK_AHEAD_BYTES = 8 << 20
# An allocation that finds no room, with nothing to spill, waits this long for pins to end; one for a value that is to
# be read from disk waits longer, because tasks that run meanwhile hold theirs.
ROOM_WAIT_S = 2.0
RESTORE_ROOM_WAIT_S = 30.0
# Of those that wait for room so many are looked at, when there may be some, and something to spill is looked for for
# so many: looking costs a millisecond in a large store, and a thousand may wait.
WANTS_TRIED_MAX = 64
WANTS_HELPED_MAX = 4
# Values that are written to disk together; they share a file, which is gone with the last of them.
ARCHIVE_BYTES = 64 << 20
# At least this much goes to disk at a time (but not more than an eighth of the store): one look at all serves for many.
SPILL_BATCH_BYTES = 64 << 20
# What must stay free on the disk that values are written to.
DISK_MARGIN_BYTES = 512 << 20
# Payloads that the node holds itself; beyond this they go to disk, and beyond twice this new ones are refused.
INLINE_BYTES_HELD_MAX = 256 << 20
# Tries for memory that dropped segments are about to give back, and the wait between two.
BACKING_RETRIES_MAX = 25
BACKING_RETRY_S = 0.02

# Logs and task events ------------------------------------------------------------------------------------------------

# A worker's log file is turned over (one old file is kept) at this size.
LOG_FILE_BYTES_MAX = 32 << 20
# Workers that have ended and whose log files are kept; those of earlier ones are removed.
LOGS_OF_ENDED_MAX = 500
# A line longer than this is cut into several.
LOG_LINE_BYTES_MAX = 64 << 10
# One read of a worker's output.
LOG_READ_BYTES = 64 << 10
# Task events are kept in files of this size, and this many of them: 64 MiB, some 800,000 events.
TASK_FILE_BYTES = 8 << 20
TASK_FILES_MAX = 8

# State queries -------------------------------------------------------------------------------------------------------

# A page of an answer ends at these bytes, and after this time: the node has other things to do in between.
PAGE_BYTES = 1 << 20
PAGE_S = 0.01
# Queries of one connection that have pages left; a tool asks one at a time.
CURSORS_MAX = 16
# A frontend has this long to answer an Inspect (spec 8.2/5).
INSPECT_S = 2.0
# Stacks that a signal has a worker write are complete when nothing has come for the first, and are given up after the
# second.
SIGNALLED_QUIET_S = 0.05
SIGNALLED_S = 1.0
# Processes that are remembered by number, so that the log can tell who they were.
PROCESSES_KNOWN_MAX = 10_000

# End -----------------------------------------------------------------------------------------------------------------

# Workers that are asked to end gracefully have this long before they are killed.
SHUTDOWN_GRACE_S = 1.0
# The zygote has this long to end after its socket was closed.
ZYGOTE_END_S = 1.0
# What is being written to disk or read from it has this long at the end.
DISK_END_S = 0.5
# The exit status of a worker is waited for this long after its end was seen.
EXIT_STATUS_S = 0.5
# Starts of a zygote that fail one after the other before Python workers are given up.
ZYGOTE_FAILURES_MAX = 3
# The making of an archive for Java workers starts this long after the first of them, out of its way.
TRAINING_DELAY_S = 1.0
# A trainee has this long; it runs at the lowest priority.
TRAINING_S = 120.0
# Archives that are kept, for other JVMs and earlier jars; some 4 to 16 MB each.
ARCHIVES_MAX = 8
# A worker whose socket closed has this long to end before it is killed.
WORKER_END_S = 1.0
