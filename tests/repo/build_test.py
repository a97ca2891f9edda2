"""Every source is built: a file that CMake forgot can neither break nor pass."""

import json
import os
import pathlib
import unittest

import repository

# Built on demand: -DBITBUDGET_BENCH=ON, -DBITBUDGET_WORKER=ON.
OPTIONAL = ("bench/", "worker/", "tests/unit/worker/")


def built():
    """Our sources that this build compiles, relative to the root."""
    build = pathlib.Path(os.environ["BITBUDGET_BUILD_DIR"])
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    sources = {pathlib.Path(command["file"]) for command in commands}
    root = repository.ROOT
    return {s.relative_to(root) for s in sources if s.is_relative_to(root)}


class Build(repository.RepositoryTest):
    def test_every_source_is_built(self):
        sources = repository.files(".cc")
        expected = {source for source in sources if not str(source).startswith(OPTIONAL)}
        self.assert_none(expected - built())

    def test_tests_stand_in_the_folder_of_tests(self):
        strays = [s for s in repository.files(".cc") if s.stem.endswith("_test")]
        self.assert_none([str(s) for s in strays if s.parts[0] != "tests"])


if __name__ == "__main__":
    unittest.main()
