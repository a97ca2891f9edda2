"""Every element of the contract is commented."""

import pathlib
import re
import unittest

import repository

RPC = re.compile(r"\s*rpc (\w+)\((?:stream )?(\w+)\)\s*(?:returns \((?:stream )?(\w+)\))?")
RETURNS = re.compile(r"\s*returns \((?:stream )?(\w+)\)")
DECLARATION = re.compile(
    r"\s*(?:(?P<block>message|enum|service) (?P<name>\w+)"
    r"|(?P<rpc>rpc) \w+"
    r"|(?P<value>[A-Z][A-Z0-9_]*) = \d+"
    r"|(?:optional |repeated )?(?P<type>[\w.]+|map<[^>]+>) (?P<field>\w+) = \d+)"
)


def contract():
    return repository.files(".proto", under="proto")


def messages_of_calls(path):
    """Names of the request and reply messages; their call says what they are."""
    names = set()
    for _, line in repository.lines(path):
        if match := RPC.match(line):
            names.update(name for name in match.groups()[1:] if name)
        elif match := RETURNS.match(line):
            names.add(match[1])
    return names


def uncommented(path):
    """Declarations without a comment right above or behind."""
    exempt = messages_of_calls(path)
    above = ""
    for number, line in repository.lines(path):
        match = DECLARATION.match(line)
        commented = above.strip().startswith("//") or "//" in line
        if match and not commented and match["name"] not in exempt and match["type"] != "option":
            yield f"{path}:{number}: {line.strip()}"
        above = line


class Protos(repository.RepositoryTest):
    def test_the_contract_is_found(self):
        self.assertIn(pathlib.Path("proto/bitbudget/v1/study.proto"), contract())

    def test_every_element_has_a_comment(self):
        wrong = [line for path in contract() for line in uncommented(path)]
        self.assert_none(wrong)

    def test_every_file_says_what_it_holds(self):
        self.assert_none(p for p in contract() if not repository.text(p).startswith("//"))

    def test_zero_of_every_enum_means_unspecified(self):
        wrong = [
            f"{path}:{number}: {line.strip()}"
            for path in contract()
            if "google" not in path.parts
            for number, line in repository.lines(path)
            if re.match(r"\s*[A-Z][A-Z0-9_]* = 0;", line) and "_UNSPECIFIED" not in line
        ]
        self.assert_none(wrong)


if __name__ == "__main__":
    unittest.main()
