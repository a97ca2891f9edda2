"""Adds to a build what is generated from the contract; all else is in pyproject.toml."""

import pathlib
import shutil
import sys

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generate import generate  # beside this file, where pip does not look

(HERE / "build").mkdir(exist_ok=True)


class BuildWithContract(build_py):
    def run(self) -> None:
        # An earlier build may have left modules that are no more.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        generate(pathlib.Path(self.build_lib))


setup(cmdclass={"build_py": BuildWithContract})
