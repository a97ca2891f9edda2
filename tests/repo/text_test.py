"""Nothing unfinished, and nothing that ties the repository to one machine."""

import re
import unittest

import repository

# In pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|DIS" r"ABLED_")
MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|home|farm)/|[.]py" r"env")
COMMENTED_OUT = re.compile(
    r"^\s*//\s*(?:return\b.*;|#include|(?:if|for|while) \(.*\{|[\w.>\[\]-]+ [-+*/]?= .*;"
    r"|[\w:]+\(.*\);)\s*$")
SOURCES = (".h", ".cc", ".py", ".sh", ".proto", ".txt", ".cmake")


def found(pattern, paths):
    return [
        f"{path}:{number}: {line.strip()}"
        for path in paths
        for number, line in repository.lines(path)
        if pattern.search(line)
    ]


class Text(repository.RepositoryTest):
    def test_every_file_is_text(self):
        for path in repository.files():
            with self.subTest(path=str(path)):
                self.assertNotIn("\0", repository.text(path))

    def test_nothing_is_marked_unfinished(self):
        self.assert_none(found(UNFINISHED, repository.files()))

    def test_no_path_of_a_machine(self):
        self.assert_none(found(MACHINE, repository.files()))

    def test_nothing_is_commented_out(self):
        self.assert_none(found(COMMENTED_OUT, repository.files(".cc")))

    def test_lines_of_sources_fit_a_hundred_columns(self):
        self.assert_none(found(re.compile(r"^.{101,}$"), repository.files(*SOURCES)))

    def test_no_trailing_spaces_or_tabs(self):
        paths = repository.files(*SOURCES, ".md", ".json")
        self.assert_none(found(re.compile(r"[ \t]+$|\t"), paths))


if __name__ == "__main__":
    unittest.main()
