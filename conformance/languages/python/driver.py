"""Runs a plan of cases as a Python driver: ``python -m conformance.languages.python.driver PLAN``.

The plan is a JSON file; conformance/README.md describes it and the lines that a driver prints.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import bowstring as bow
from conformance.languages.python import library
from conformance.languages.python.notation import difference, make

JAVA_LIBRARY = "conformance.ConformanceLibrary"
JAVA_COUNTER = "conformance.Counter"
GET_TIMEOUT_S = 30.0
UNTIL_MAX_S = 20.0


class Mismatch(Exception):
    """A step came to something else than the case says."""


class Interpreter:
    """Runs the steps of one case; names stand for references, handles and paths."""

    def __init__(self, worker: str, folder: Path) -> None:
        self.worker = worker
        self.folder = folder
        self.names: dict[str, Any] = {}

    def run(self, steps: list[dict[str, Any]]) -> None:
        for number, step in enumerate(steps, 1):
            try:
                self.step(step)
            except Mismatch as mismatch:
                raise Mismatch(f"step {number} {json.dumps(step)[:200]}: {mismatch}") from None

    def step(self, step: dict[str, Any]) -> None:
        kind = next(iter(step))
        try:
            getattr(self, f"do_{kind}")(step)
        except Mismatch:
            raise
        except Exception as error:
            self.check_error(step, error)
        else:
            if "error" in step:
                raise Mismatch(f"went well, expected the error {step['error']}")

    def check_error(self, step: dict[str, Any], error: Exception) -> None:
        code = getattr(getattr(error, "code", None), "name", None) or type(error).__name__
        if code != step.get("error"):
            raise Mismatch(f"{code}: {str(error)[:600]}, expected {step.get('error', 'no error')}") from error
        for part in (step.get("says"), step.get("type")):
            if part is not None and part not in str(error):
                raise Mismatch(f"the message lacks {part!r}: {str(error)[:600]}") from error

    def language_of(self, step: dict[str, Any]) -> str:
        """Whose library a step calls: the worker's language's, unless it says "in": "driver"."""
        return "python" if step.get("in") == "driver" else self.worker

    def do_put(self, step: dict[str, Any]) -> None:
        self.names[step["as"]] = bow.put(make(step["put"], self.names))

    def do_call(self, step: dict[str, Any]) -> None:
        name = step["call"]
        if self.language_of(step) == "java":
            function = bow.java_function(JAVA_LIBRARY, name)
        else:
            function = bow.remote(getattr(library, name))
        self.submit(function, step)

    def do_method(self, step: dict[str, Any]) -> None:
        self.submit(getattr(self.names[step["of"]], step["method"]), step)

    def do_actor(self, step: dict[str, Any]) -> None:
        if self.language_of(step) == "java":
            actor_class = bow.java_actor_class(JAVA_COUNTER)
        else:
            actor_class = bow.remote(getattr(library, step["actor"]))
        self.submit(actor_class, step)

    def submit(self, function: Any, step: dict[str, Any]) -> None:
        options = step.get("options", {})
        if options:
            function = function.options(**options)
        result = function.remote(*[make(written, self.names) for written in step.get("args", [])])
        names = step.get("as")
        if isinstance(names, list):
            self.names.update(zip(names, result, strict=True))
        elif names is not None:
            self.names[names] = result

    def do_get(self, step: dict[str, Any]) -> None:
        wanted = step["get"]
        refs = [self.names[name] for name in wanted] if isinstance(wanted, list) else self.names[wanted]
        value = bow.get(refs, timeout=step.get("timeout", GET_TIMEOUT_S))
        if "expect" in step:
            self.compare(value, step["expect"])
        if "first_as" in step:
            self.names[step["first_as"]] = value[0]

    def do_wait(self, step: dict[str, Any]) -> None:
        refs = [self.names[name] for name in step["wait"]]
        ready, others = bow.wait(refs, num_returns=step["num_returns"], timeout=step.get("timeout", GET_TIMEOUT_S))
        found = [[name for name in step["wait"] if self.names[name] in some] for some in (ready, others)]
        self.compare(found, step["expect"])

    def do_get_actor(self, step: dict[str, Any]) -> None:
        self.names[step["as"]] = bow.get_actor(step["get_actor"])

    def do_kill(self, step: dict[str, Any]) -> None:
        bow.kill(self.names[step["kill"]], no_restart=step.get("no_restart", True))

    def do_cancel(self, step: dict[str, Any]) -> None:
        bow.cancel(self.names[step["cancel"]])

    def do_stream(self, step: dict[str, Any]) -> None:
        self.do_call({"options": {"num_returns": "streaming", **self.ahead(step)}, **step, "call": step["stream"]})

    @staticmethod
    def ahead(step: dict[str, Any]) -> dict[str, int]:
        return {"generator_backpressure": step["ahead"]} if "ahead" in step else {}

    def do_next(self, step: dict[str, Any]) -> None:
        self.names[step["as"]] = self.names[step["next"]].next(timeout=GET_TIMEOUT_S)

    def do_items(self, step: dict[str, Any]) -> None:
        values = [bow.get(ref, timeout=GET_TIMEOUT_S) for ref in self.names[step["items"]]]
        self.compare(values, step["expect"])

    def do_close(self, step: dict[str, Any]) -> None:
        self.names[step["close"]].close()

    def do_drop(self, step: dict[str, Any]) -> None:
        del self.names[step["drop"]]

    def do_until(self, step: dict[str, Any]) -> None:
        """Repeat the inner steps until they go well."""
        deadline = time.monotonic() + UNTIL_MAX_S
        while True:
            try:
                self.run(step["until"])
                return
            except Mismatch:
                if time.monotonic() > deadline:
                    raise

    def do_path(self, step: dict[str, Any]) -> None:
        self.names[step["path"]] = str(self.folder / step["path"])

    def do_touch(self, step: dict[str, Any]) -> None:
        Path(self.names[step["touch"]]).touch()

    def compare(self, value: Any, expected: Any) -> None:
        found = difference(value, expected)
        if found:
            raise Mismatch(found)


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    where = {"address": plan["address"]} if "address" in plan else {"num_cpus": plan["num_cpus"]}
    with bow.init(**where, class_path=plan["class_path"], log_to_driver=False):
        for case in plan["cases"]:
            print(json.dumps({"begin": case["id"]}), flush=True)
            folder = Path(plan["folder"]) / case["folder"]
            folder.mkdir(parents=True)
            failure = ""
            try:
                Interpreter(plan["worker"], folder).run(case["steps"])
            except Exception as error:
                failure = f"{type(error).__name__}: {error}" if not isinstance(error, Mismatch) else str(error)
            print(json.dumps({"end": case["id"], "failure": failure}), flush=True)


if __name__ == "__main__":
    main()
