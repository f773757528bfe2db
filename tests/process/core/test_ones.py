"""The node's file of ones, which readers map side by side."""

import mmap
import os

import pytest

from bowstring_wire.messages import Language


@pytest.mark.rule("3.14/1")
def test_the_file_of_ones_is_one_for_all_and_nobody_can_write_to_it(node):
    path = node.driver(language=Language.JAVA).welcome.ones_path
    assert node.driver(language=Language.JAVA).welcome.ones_path == path
    with open(path, "r+b") as file:
        length = os.fstat(file.fileno()).st_size
        assert length > 0
        assert length % mmap.PAGESIZE == 0
        assert file.read() == b"\xff" * length
        with pytest.raises(PermissionError):
            os.pwrite(file.fileno(), b"0", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(file.fileno(), 0)
        with pytest.raises(PermissionError):
            os.ftruncate(file.fileno(), 2 * length)
        with pytest.raises(PermissionError):
            mmap.mmap(file.fileno(), length)
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY) as own:
            own[0] = 0
        assert os.pread(file.fileno(), 1, 0) == b"\xff"


def test_a_runtime_of_python_alone_has_no_ones(node):
    assert node.driver().welcome.ones_path == ""
    assert not [name for name in node_files(node.pid) if "bowstring-ones" in name]
    node.driver(language=Language.JAVA)
    assert [name for name in node_files(node.pid) if "bowstring-ones" in name]


def node_files(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]


@pytest.mark.rule("3.14/3")
def test_ones_are_not_part_of_the_store_and_gone_with_the_node_and_their_last_reader(start_node):
    node = start_node("--num-cpus", "1")
    path = node.driver(language=Language.JAVA).welcome.ones_path
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as ones:
        node.end()
        assert not os.path.exists(path)
        assert ones[:] == b"\xff" * len(ones)
