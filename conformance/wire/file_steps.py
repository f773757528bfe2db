"""Steps about files: those by which workers and scripts wait for each other, and sources of environments."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from conformance.wire.conversation import WITHIN_S, Conversation, Mismatch
from tests.process.waiting import wait_until


class FileSteps(Conversation):
    """Files are made, and found or not."""

    def do_touch(self, step: dict[str, Any]) -> None:
        (self.folder / step["touch"]).touch()

    def do_file(self, step: dict[str, Any]) -> None:
        """The peer has made a file."""
        path = self.folder / step["file"]
        wait_until(path.exists, WITHIN_S, f"there is {path.name}")

    def do_made(self, step: dict[str, Any]) -> None:
        """There is such a file already."""
        if not (self.folder / step["made"]).exists():
            raise Mismatch(f"there is no {step['made']} yet")

    def do_no_file(self, step: dict[str, Any]) -> None:
        if (self.folder / step["no_file"]).exists():
            raise Mismatch(f"there is {step['no_file']}")

    def do_write(self, step: dict[str, Any]) -> None:
        """Write files, by their paths in the case's folder."""
        for name, text in self.names.resolve(step["write"]).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def do_archive(self, step: dict[str, Any]) -> None:
        """Make a zip archive."""
        with zipfile.ZipFile(self.folder / step["archive"], "w") as archive:
            for name in step["entries"]:
                archive.writestr(name, "inside = True\n")
            for name in step.get("links", ()):
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, "/etc/passwd")

    def do_send_archive(self, step: dict[str, Any]) -> None:
        """Ask for an environment with it."""
        environment = m.Environment(modules=(str(self.folder / step["send_archive"]),))
        self.client.send(m.EnvironmentMake(self.client.request(), environment))

    def do_nowhere(self, step: dict[str, Any]) -> None:
        """No such file was made: not beside the archive, not above it, not below the session's folder."""
        name = step["nowhere"]
        session = Path(self.names["session"])
        found = [path for path in (self.folder.parent / name, Path("/tmp") / name) if path.exists()]
        found += session.rglob(name)
        if found:
            raise Mismatch(f"there is {found}")
