"""The files of the repository, for the tests of this folder."""

import os
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
_NOT_OURS = {".git", ".ccache", "build", "dist", "gen", "node_modules", "__pycache__"}


def files(*suffixes, under=""):
    """Paths of our files, relative to the root, sorted; all suffixes if none are given."""
    found = []
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = [f for f in folders if f not in _NOT_OURS]
        for name in names:
            path = (pathlib.Path(folder) / name).relative_to(ROOT)
            if not suffixes or path.suffix in suffixes:
                found.append(path)
    return sorted(found)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def lines(path):
    """(number, line) of a file, from 1."""
    return enumerate(text(path).splitlines(), start=1)


class RepositoryTest(unittest.TestCase):
    def assert_none(self, findings):
        """Fails with one finding a line."""
        findings = sorted(str(finding) for finding in findings)
        if findings:
            self.fail("\n  " + "\n  ".join(findings))
