"""Which GPUs a node may use, and how workers see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bowstring_core.node.gpus import machine_gpus, visible


@pytest.mark.parametrize(("value", "found"), [("", []), ("-1", []), ("2", ["2"]), ("3, GPU-8f", ["3", "GPU-8f"])])
def test_the_environment_says_which_gpus_there_are(
    monkeypatch: pytest.MonkeyPatch, value: str, found: list[str], tmp_path: Path
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert machine_gpus(str(tmp_path)) == found


def test_without_a_word_of_the_environment_they_are_the_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert machine_gpus(str(tmp_path)) == ["2", "10"]
    assert machine_gpus(str(tmp_path / "nowhere")) == []
    assert visible("0,1") == "0,1"


def test_workers_see_gpus_by_the_names_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-8f,6")
    assert [visible(numbers) for numbers in ("0,2", "1", "", "-")] == ["4,6", "GPU-8f", "", "-"]
