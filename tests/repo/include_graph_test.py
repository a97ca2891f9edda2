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
    "worker": {"client/cpp", "proto", "util"},
}
# Libraries that only these rooms may include.
CONFINED = {
    "ceres/": {"fitter"},
    "SQLiteCpp/": {"db"},
    "sqlite3.h": {"db"},
    "grpcpp/": {"proto", "server", "client/cpp"},
    "google/protobuf/": {"proto", "db", "server", "client/cpp", "client/cli", "worker"},
    "CLI/": {"client/cli", "server", "worker"},
    "torch/": {"worker"},
    "ATen/": {"worker"},
    "cblas.h": {"worker"},
}
# Libraries whose types no header may show that other rooms include.
INTERNAL = ("ceres/", "sqlite3.h", "SQLiteCpp/", "torch/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CMAKE_TARGET = re.compile(r"\bbitbudget_\w+")
CMAKE_LIBRARY = re.compile(r"\b(?:bitbudget|add)_library\((bitbudget_\w+)")
GENERATED = re.compile(r"^(bitbudget/v1|google/rpc)/\w+\.(grpc\.)?pb\.h$")
# The two rooms that one listing builds.
CLIENT_LIBRARIES = {"bitbudget_client": "client/cpp", "bitbudget_cli": "client/cli"}


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


def listings():
    """(CMake file, its room) of all rooms that have one of their own."""
    for listing in repository.files(".txt"):
        if listing.name == "CMakeLists.txt" and (room := room_of(listing)):
            yield listing, room


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
        room_of_library = dict(CLIENT_LIBRARIES)
        for listing, room in listings():
            for library in CMAKE_LIBRARY.findall(repository.text(listing)):
                room_of_library[library] = room
        wrong = [
            f"{listing}:{number}: {room} must not know {target}"
            for listing, room in listings()
            for number, line in repository.lines(listing)
            for target in CMAKE_TARGET.findall(line)
            if (other := room_of_library.get(target, room)) != room
            and other not in MAY_INCLUDE[room]
        ]
        self.assert_none(wrong)


if __name__ == "__main__":
    unittest.main()
