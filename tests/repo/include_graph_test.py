"""Who may include whom. docs/design.md, "Rooms", has the reasons."""

import collections
import re
import unittest

import repository

# A room may include itself and these.
MAY_INCLUDE = {
    "util": set(),
    "proto": {"util"},
    "fitter": {"util"},
    "planner": {"fitter", "util"},
    "db": {"proto", "util"},
    "server": {"db", "planner", "fitter", "proto", "util"},
    "client/cpp": {"proto", "util"},
    "client/cli": {"client/cpp", "proto", "util"},
}
# Libraries that only these rooms may include.
CONFINED = {
    "ceres/": {"fitter"},
    "SQLiteCpp/": {"db"},
    "sqlite3.h": {"db"},
    "grpcpp/": {"proto", "server", "client/cpp"},
    "google/protobuf/": {"proto", "db", "server", "client/cpp", "client/cli"},
    "CLI/": {"client/cli", "server"},
    "torch/": set(),
}
# Libraries whose types no header may show that other rooms include.
INTERNAL = ("ceres/", "sqlite3.h", "SQLiteCpp/", "torch/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CMAKE_TARGET = re.compile(r"\bbitbudget_(\w+)")
GENERATED = re.compile(r"^(bitbudget/v1|google/rpc)/\w+\.(grpc\.)?pb\.h$")
# Libraries of targets that stand beside their room's own.
TARGET_ROOM = {
    "grpc": "proto",
    "client": "client/cpp",
    "cli": "client/cli",
    "server_grpc": "server",
}


def room_of(path):
    """The room that a path lies in; None outside the rooms."""
    name = str(path)
    return next((room for room in MAY_INCLUDE if name.startswith(room + "/")), None)


def room_included(header):
    return "proto" if GENERATED.match(header) else room_of(header)


def includes():
    """(source, its room, line number, quote, header) of all rooms."""
    for source in repository.files(".h", ".cc"):
        room = room_of(source)
        if room is None:
            continue
        for number, line in repository.lines(source):
            if match := INCLUDE.match(line):
                yield source, room, number, match[1], match[2]


class IncludeGraph(repository.RepositoryTest):
    def test_every_room_has_sources(self):
        found = {room_of(source) for source in repository.files(".cc")}
        self.assert_none(set(MAY_INCLUDE) - found)

    def test_rooms_include_only_rooms_they_may_know(self):
        wrong = [
            f"{source}:{number}: {room} must not include {header}"
            for source, room, number, _, header in includes()
            if (other := room_included(header)) and other != room
            and other not in MAY_INCLUDE[room]
        ]
        self.assert_none(wrong)

    def test_own_headers_are_included_by_folder_and_exist(self):
        wrong = []
        for source, _, number, quote, header in includes():
            ours = room_of(header) is not None
            header_file = re.sub(r"\.pb\.h$", ".proto", header)
            if ours and (quote == "<" or not (repository.ROOT / header_file).is_file()):
                wrong.append(f"{source}:{number}: {header} is not a file of ours in quotes")
            if quote == '"' and "/" not in header:
                wrong.append(f"{source}:{number}: {header} is named without its folder")
        self.assert_none(wrong)

    def test_libraries_stay_in_the_rooms_that_need_them(self):
        wrong = [
            f"{source}:{number}: {room} must not include {header}"
            for source, room, number, _, header in includes()
            for library, rooms in CONFINED.items()
            if header.startswith(library) and room not in rooms
        ]
        self.assert_none(wrong)

    def test_no_room_shows_the_types_of_its_library_to_another(self):
        included = collections.defaultdict(set)
        shown = set()
        for source, room, _, _, header in includes():
            included[str(source)].add(header)
            if room_of(header) not in (None, room):
                shown.add(header)
        reached = set()
        while shown:
            header = shown.pop()
            reached.add(header)
            shown |= included[header] - reached
        wrong = [
            f"{header} includes {library} and is included by another room"
            for header in reached
            for library in included[header]
            if library.startswith(INTERNAL)
        ]
        self.assert_none(wrong)

    def test_targets_depend_only_on_rooms_they_may_know(self):
        # The functions of scripts/cmake and what carries the compiler flags.
        not_rooms = {"library", "program", "tests", "flags"}
        wrong = []
        for listing in repository.files(".txt"):
            room = room_of(listing)
            if listing.name != "CMakeLists.txt" or room is None:
                continue
            for number, line in repository.lines(listing):
                for target in CMAKE_TARGET.findall(line):
                    other = TARGET_ROOM.get(target, target)
                    known = other == room or other in MAY_INCLUDE[room]
                    if target not in not_rooms and not known:
                        wrong.append(f"{listing}:{number}: {room} must not know {target}")
        self.assert_none(wrong)


if __name__ == "__main__":
    unittest.main()
