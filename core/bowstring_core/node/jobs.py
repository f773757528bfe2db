"""Jobs: what a driver said of itself that its workers need."""

from __future__ import annotations


class Job:
    """One driver's job.

    Attributes:
        driver: Process of the driver; 0 once it is gone.
        environment: Key of the runtime environment of those who name none; empty: none.
    """

    __slots__ = ("class_path", "driver", "environment", "job", "namespace", "python_path", "working_directory")

    def __init__(
        self,
        job: int,
        driver: int,
        namespace: str,
        python_path: tuple[str, ...],
        class_path: tuple[str, ...],
        working_directory: str,
    ) -> None:
        self.job, self.driver, self.namespace = job, driver, namespace
        self.environment = b""
        self.python_path, self.class_path, self.working_directory = python_path, class_path, working_directory
