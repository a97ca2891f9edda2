"""What documents and comments point at is there."""

import re
import unittest

import repository

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$")
# Files of ours as text names them: docs/errors.md, scripts/test.sh.
MENTION = re.compile(r"(?<![\w./-])((?:docs|scripts|data|bench)/[\w./-]+\.(?:md|sh|py|sha256))\b")
TEXTS = (".md", ".h", ".cc", ".proto", ".py", ".sh", ".txt", ".cmake")
REQUIRED = (
    "README.md", "LICENSE", "CONTRIBUTING.md", "docs/design.md", "docs/glossary.md",
    "docs/errors.md", "docs/database.md", "docs/cli.md", "docker/Dockerfile.server",
)


def anchors(path):
    """Anchors of the headings of a page, as web viewers make them."""
    headings = (HEADING.match(line) for _, line in repository.lines(path))
    return {
        re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
        for heading in headings if heading
    }


def links():
    """(page, line number, target, anchor) of the links inside the repository."""
    for page in repository.files(".md"):
        for number, line in repository.lines(page):
            for link in LINK.findall(line):
                if not re.match(r"[a-z]+:", link):
                    target, _, anchor = link.partition("#")
                    path = (page.parent / target) if target else page
                    yield page, number, path, anchor


class Docs(repository.RepositoryTest):
    def test_the_pages_exist(self):
        self.assert_none([p for p in REQUIRED if not (repository.ROOT / p).is_file()])

    def test_link_targets_exist(self):
        wrong = []
        for page, number, path, anchor in links():
            if not (repository.ROOT / path).exists():
                wrong.append(f"{page}:{number}: {path}")
            elif anchor and anchor not in anchors(path):
                wrong.append(f"{page}:{number}: {path} has no heading #{anchor}")
        self.assert_none(wrong)

    def test_files_named_in_text_exist(self):
        wrong = [
            f"{path}:{number}: {name}"
            for path in repository.files(*TEXTS)
            for number, line in repository.lines(path)
            for name in MENTION.findall(line)
            if not any((repository.ROOT / folder / name).exists() for folder in path.parents)
        ]
        self.assert_none(wrong)


if __name__ == "__main__":
    unittest.main()
