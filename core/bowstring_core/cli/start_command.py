"""`bowstring start`: a runtime that no process owns, and that lives until it is stopped."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys

import click

from bowstring_core.cli.tables import say
from bowstring_core.cli.tool import ToolError, live_sessions

START_TIMEOUT_S = 30.0


@click.command()
@click.option("--num-cpus", type=click.FloatRange(min=0), help="CPUs to share out; the machine's.")
@click.option("--num-gpus", type=click.IntRange(min=0), help="GPUs to share out.")
@click.option("--resources", metavar="JSON", help="Amounts of resources of your own, as in '{\"disk\": 2}'.")
@click.option("--memory", type=click.IntRange(min=1), metavar="BYTES", help="Memory that tasks may ask for.")
@click.option("--object-store-memory", type=click.IntRange(min=1 << 20), metavar="BYTES", help="Size of the store.")
@click.option(
    "--spill-directory", type=click.Path(exists=True, file_okay=False), help="Folder for what the store spills."
)
@click.option("--spill-bytes-max", type=click.IntRange(min=0), metavar="BYTES", help="What may be there.")
@click.option("--memory-reserve", type=click.IntRange(min=0), metavar="BYTES", help="What the machine keeps available.")
@click.option("--namespace", help="Namespace of named actors for drivers that give none.")
@click.option("--log-level", type=click.Choice(["DEBUG", "INFO"], case_sensitive=False), help="Of the node's own log.")
@click.option("--json", "as_json", is_flag=True, help="Print the session and the process as JSON.")
def start(as_json: bool, **options: object) -> None:
    """Start a runtime that lives until `bowstring stop`, and say how to join it."""
    command = [sys.executable, "-m", "bowstring_core.node"]
    for name, value in options.items():
        if value is not None:
            if name == "spill_directory":
                value = os.path.abspath(str(value))
            command += [f"--{name.replace('_', '-')}", str(value)]
    node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    assert node.stdout is not None
    with node.stdout as told:
        ready = select.select([told], [], [], START_TIMEOUT_S)[0]
        line = told.readline() if ready else b""
    if not line:
        if node.poll() is None and not ready:
            node.kill()
        raise ToolError(f"the node did not start (exit status {node.wait()}); what it wrote stands above")
    facts = json.loads(line)
    # The node is nobody's child from here on: it is not waited for.
    node.returncode = 0
    if as_json:
        say(json.dumps(facts))
        return
    say(f"A runtime has started: {facts['session']} (process {facts['pid']})\n")
    say('  join it    bowstring.init(address="auto")' if _only_one() else "  join it    (there are several runtimes)")
    say(f'             bowstring.init(address="{facts["session"]}")')
    say("  look       bowstring status")
    say(f"  end it     bowstring stop --session {facts['session']}")


def _only_one() -> bool:
    return len(live_sessions()) == 1
