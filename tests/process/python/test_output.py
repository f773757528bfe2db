"""What tasks and actors write reaches their driver: whole lines, prefixed, in order, from whatever wrote them."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import bowstring as bow

WITHIN_S = 30

HEAD = """
    import ctypes, os, subprocess, sys, threading
    import bowstring as bow

    @bow.remote
    def say(*lines, end="\\n"):
        for line in lines:
            print(line, end=end)
        return os.getpid()

    @bow.remote
    def complain(line):
        print(line, file=sys.stderr)
        return os.getpid()

    @bow.remote
    def write_raw(fd, data):
        os.write(fd, data)
        return os.getpid()

    @bow.remote
    class Speaker:
        def say(self, line):
            print(line)
            return os.getpid()
"""


def run(body: str, *address: str, log_to_driver: bool = True) -> tuple[str, str]:
    """The driver's stdout and stderr."""
    start = f"bow.init(*sys.argv[1:], log_to_driver={log_to_driver}, **({{}} if sys.argv[1:] else dict(num_cpus=1)))\n"
    code = textwrap.dedent(HEAD) + start + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", code, *address], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def lines_of(output: str) -> list[tuple[str, str]]:
    """(process id, text) of each prefixed line; every line must be one."""
    found = []
    for line in output.splitlines():
        match = re.fullmatch(r"\(([\w.]+) pid=(\d+)\) (.*)", line)
        assert match, f"a line without its prefix: {line!r}"
        found.append((match[2], match[3]))
    return found


def test_prints_reach_stdout_in_order_with_the_workers_process() -> None:
    out, err = run("""
        pids = [bow.get(say.remote(*(f"{i} {j}" for j in range(20)))) for i in range(10)]
        assert len(set(pids)) == 1
        bow.shutdown()  # the workers' lines are all out: nothing mixes with ours
        print("(driver pid=0)", pids[0])
    """)
    assert err == ""
    lines = lines_of(out)
    pid = next(text for process, text in lines if process == "0")
    said = [(process, text) for process, text in lines if process != "0"]
    assert said == [(pid, f"{i} {j}") for i in range(10) for j in range(20)]


def test_stderr_reaches_stderr() -> None:
    out, err = run("""
        pid = bow.get(complain.remote("oh dear"))
        print(f"(driver pid={pid}) oh dear")
        bow.shutdown()
    """)
    assert lines_of(err) == lines_of(out)


def test_what_c_code_and_children_write_reaches_the_driver() -> None:
    out, err = run("""
        @bow.remote
        def others():
            os.write(1, b"from write\\n")
            libc = ctypes.CDLL(None)
            libc.puts(b"from puts")
            libc.fflush(None)
            subprocess.run(["echo", "from a child"], check=True)
            os.write(2, b"to stderr\\n")

        bow.get(others.remote())
        bow.shutdown()
    """)
    assert [text for _, text in lines_of(out)] == ["from write", "from puts", "from a child"]
    assert [text for _, text in lines_of(err)] == ["to stderr"]


def test_a_line_that_is_written_in_parts_arrives_whole() -> None:
    out, _ = run("""
        bow.get(write_raw.remote(1, b"one "))
        bow.get(write_raw.remote(1, b"line\\nand "))
        bow.get(write_raw.remote(1, "another: \\u00e4".encode()[:-1]))
        bow.get(write_raw.remote(1, "\\u00e4".encode()[-1:] + b"\\nlast, without an end"))
        bow.shutdown()
    """)
    assert [text for _, text in lines_of(out)] == ["one line", "and another: ä", "last, without an end"]


def test_actors_are_named_and_long_output_is_complete() -> None:
    out, _ = run("""
        actors = [Speaker.remote() for _ in range(3)]
        for i in range(50):
            bow.get([actor.say.remote(f"{i} " + "x" * 2000) for actor in actors])
        bow.shutdown()
    """)
    lines = lines_of(out)
    for pid in {pid for pid, _ in lines}:
        assert [text for process, text in lines if process == pid] == [f"{i} " + "x" * 2000 for i in range(50)]
    assert len(lines) == 150


def test_what_the_last_task_wrote_before_the_end_is_not_lost() -> None:
    for _ in range(3):
        out, _ = run("""
            bow.get(say.remote("the last words"))
            bow.shutdown()
        """)
        assert [text for _, text in lines_of(out)] == ["the last words"]


def test_prints_of_a_killed_worker_arrive() -> None:
    out, _ = run("""
        @bow.remote(max_retries=0)
        def speak_and_die():
            print("I am gone", flush=True)
            os.kill(os.getpid(), 9)

        try:
            bow.get(speak_and_die.remote())
        except bow.WorkerCrashedError:
            pass
        bow.shutdown()
    """)
    assert [text for _, text in lines_of(out)] == ["I am gone"]


def test_without_log_to_driver_nothing_is_shown() -> None:
    out, err = run(
        """
        bow.get([say.remote("a"), complain.remote("b"), write_raw.remote(1, b"c\\n")])
        bow.shutdown()
        """,
        log_to_driver=False,
    )
    assert (out, err) == ("", "")


def test_a_driver_that_joins_sees_its_own_output_to_the_last() -> None:
    with bow.init(num_cpus=1) as session:
        for _ in range(3):
            out, _ = run("bow.get(say.remote('to whom it concerns'))", session.address)
            assert [text for _, text in lines_of(out)] == ["to whom it concerns"]


def test_output_comes_while_the_task_runs(tmp_path: Path) -> None:
    code = textwrap.dedent(HEAD) + textwrap.dedent("""
        @bow.remote
        def wait_for(path):
            print("started")
            while not os.path.exists(path):
                threading.Event().wait(0.01)

        bow.init(num_cpus=1)
        done = wait_for.remote(sys.argv[1])
        sys.stdin.readline()
        open(sys.argv[1], "w").close()
        bow.get(done)
    """)
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "go on")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    assert driver.stdin is not None
    assert driver.stdout.readline().endswith(") started\n")
    driver.communicate("go on\n", timeout=WITHIN_S)
    assert driver.returncode == 0
