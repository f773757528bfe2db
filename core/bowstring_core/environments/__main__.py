"""python -m bowstring_core.environments REQUEST: do what the file says, and write what came of it beside it.

REQUEST is a file of JSON. {"session": path, "working_dir": source, "modules": [sources], "jars": [sources], "excludes":
[patterns], "installation": [installer, requirements, options, check] or null} keeps the sources as packages, and is
answered with {"working_dir": package, "modules": [packages], "jars": [packages], "installed": id or ""}. {"session":
path, "class_path": [paths]} keeps those that are there, and is answered with {"class_path": [packages]}. With "make":
id, the virtual environment is made: {}. What fails is told as {"error": text}. The answer is REQUEST.answer, put in
place by rename. Output goes to whoever started this.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from bowstring_core.environments import packages
from bowstring_core.environments.places import PackageError
from bowstring_core.environments.virtual_environment import Installation, InstallError, make


def perform(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked; the answer."""
    given = request.get("installation")
    installation = Installation(given[0], tuple(given[1]), tuple(given[2]), given[3]) if given else None
    try:
        if "make" in request:
            assert installation is not None
            make(installation, request["make"])
            return {}
        if "class_path" in request:
            return {"class_path": packages.keep_class_path(request["session"], request["class_path"])}
        session, working_dir, excludes = request["session"], request["working_dir"], request["excludes"]
        return {
            "working_dir": packages.keep(session, working_dir, False, excludes) if working_dir else "",
            "modules": [packages.keep(session, source, True, excludes) for source in request["modules"]],
            "jars": [packages.keep_classes(session, source) for source in request["jars"]],
            "installed": installation.id() if installation else "",
        }
    except (PackageError, InstallError) as error:
        return {"error": str(error)}


def main() -> int:
    """Perform the request that the argument names; the exit status."""
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    answer = perform(request)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.rename(f"{path}.new", f"{path}.answer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
