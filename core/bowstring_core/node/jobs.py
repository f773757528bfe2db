"""Jobs: what a driver said of itself that its workers need."""

from __future__ import annotations

from collections.abc import Callable


class Job:
    """One driver's job.

    Attributes:
        driver: Process of the driver; 0 once it is gone.
        environment: Key of the runtime environment of those who name none; empty: none.
        class_path: Where Java workers look for the job's classes: the node's copies of what the driver has named.
        class_path_waiters: Who waits for the copies; None: they are there, or can't be made.
        class_path_error: Why they can't be made; empty: no reason.
    """

    __slots__ = (
        "class_path",
        "class_path_error",
        "class_path_waiters",
        "driver",
        "environment",
        "job",
        "namespace",
        "python_path",
        "working_directory",
    )

    def __init__(
        self,
        job: int,
        driver: int,
        namespace: str,
        python_path: tuple[str, ...],
        working_directory: str,
    ) -> None:
        self.job, self.driver, self.namespace = job, driver, namespace
        self.environment = b""
        self.python_path, self.working_directory = python_path, working_directory
        self.class_path: tuple[str, ...] = ()
        self.class_path_waiters: list[Callable[[], None]] | None = None
        self.class_path_error = ""

    def when_classes_are_kept(self, call: Callable[[], None]) -> None:
        """Call once the copies of the class path are there, or are known not to come."""
        if self.class_path_waiters is None:
            call()
        else:
            self.class_path_waiters.append(call)

    def classes_are_kept(self) -> None:
        """Let those who wait for the copies go on."""
        waiters, self.class_path_waiters = self.class_path_waiters, None
        for call in waiters or ():
            call()
