"""Ray, told to use as many processors and to keep its logs to itself."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import ModuleType

from tests.bench.peer import Absent, row
from tests.bench.peers.java_program import run_java_driver
from tests.bench.peers.tasklike import TasklikePeer
from tests.bench.stopwatch import Work


class Peer(TasklikePeer):
    def load(self) -> ModuleType:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_DEDUP_LOGS"] = "0"
        import ray

        return ray

    def start(self, java: bool) -> None:
        job = None
        if java and self.java_classes:
            from ray.job_config import JobConfig

            job = JobConfig(code_search_path=[self.java_classes])
        self.api.init(
            num_cpus=self.num_cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            job_config=job,
        )

    def java_driver(self, java_classes: str) -> dict[str, list[float]]:
        import ray

        jar = Path(ray.__file__).parent / "jars" / "ray_dist.jar"
        if not jar.exists():
            raise Absent("this build of Ray has no Java")
        return run_java_driver("bench.RayDriver", java_classes, self.num_cpus, self.quick, [str(jar)])

    @row("100 MB Arrow table to a Java task")
    def java_table(self) -> Work:
        raise Absent("refuses to pass tables to Java")
