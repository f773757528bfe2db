"""The build of the Python package: it says when the jar for Java workers is not there to be packed."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

JAR = Path(__file__).parent / "python" / "bowstring_java" / "bowstring-all.jar"


class BuildPackages(build_py):
    """Copies the packages, and the jar with them."""

    def run(self) -> None:
        """Warn, and go on: programs without Java need neither Maven nor the jar."""
        if not JAR.exists() and not self.editable_mode:
            self.warn(
                "this package will have no bowstring-all.jar, and its installations no Java workers: for those, run"
                " `make java` or `mvn --file java package` first"
            )
        super().run()


setup(cmdclass={"build_py": BuildPackages})
