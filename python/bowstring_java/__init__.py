"""The Java frontend as one jar, beside the Python packages; the node puts it on the class path of JVM workers."""

from __future__ import annotations

from pathlib import Path

JAR = Path(__file__).with_name("bowstring-all.jar")
