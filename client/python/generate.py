#!/usr/bin/python3
"""Makes the package `bitbudget` whole: generates, from the contract in proto/, the modules
of its messages (bitbudget/v1, bitbudget/rpc) and the records that answers are made of
(bitbudget/records.py).

    client/python/generate.py build/python

copies the hand-written modules there and generates the others beside them; with
PYTHONPATH=build/python the package is used without being installed. setup.py calls
generate() for pip. Needs protoc and grpc_python_plugin (Debian's protobuf-compiler-grpc).
"""

from __future__ import annotations

import keyword
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap

from google.protobuf import descriptor_pb2

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = HERE.parents[1] / "proto"

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    Field.TYPE_DOUBLE: ("float", "0.0"),
    Field.TYPE_INT64: ("int", "0"),
    Field.TYPE_INT32: ("int", "0"),
    Field.TYPE_BOOL: ("bool", "False"),
    Field.TYPE_STRING: ("str", '""'),
}
WELL_KNOWN = {
    ".google.protobuf.Timestamp": "datetime.datetime",
    ".google.protobuf.Duration": "datetime.timedelta",
}
# Records that can do more than hold their fields, and the classes of bitbudget/_record.py
# that they are made from.
BASES = {
    "Estimate": "EstimateBase",
    "Provenance": "ProvenanceBase",
    "EvaluateGridResponse": "GridBase",
    "Fit": "FitBase",
    "ListDevicesResponse": "DevicesBase",
    "OptimizeBitWidthResponse": "CandidatesBase",
    "CompareToFullPrecisionResponse": "WidthsBase",
    "EstimateWasteResponse": "BudgetsBase",
    "LawComparison": "ComparisonBase",
    "ExplainFitResponse": "ExplanationBase",
}


def generate(target: pathlib.Path) -> None:
    """Generates into `target`, the directory that has or shall have `bitbudget/`."""
    if not CONTRACT.is_dir():
        raise SystemExit(f"{CONTRACT} is missing: bitbudget is installed from its checkout")
    with tempfile.TemporaryDirectory() as folder:
        sources = pathlib.Path(folder)
        names = copy_contract(sources)
        described = sources / "described"
        run_protoc(sources, target, described, names)
        files = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes())
    package = target / "bitbudget"
    for folder in (package / "v1", package / "rpc"):
        (folder / "__init__.py").touch()
    own = [file for file in files.file if file.package == "bitbudget.v1"]
    (package / "records.py").write_text(records_module(own), encoding="utf-8")


def copy_contract(folder: pathlib.Path) -> list[str]:
    """The files to compile. The few messages of google.rpc move into a package of ours,
    because another distribution may bring modules and descriptors of that name; what is on
    the wire is the same."""
    shutil.copytree(CONTRACT / "bitbudget", folder / "bitbudget")
    (folder / "bitbudget" / "rpc").mkdir()
    for source in (CONTRACT / "google" / "rpc").glob("*.proto"):
        text = source.read_text(encoding="utf-8").replace("package google.rpc;",
                                                          "package bitbudget.rpc;")
        (folder / "bitbudget" / "rpc" / source.name).write_text(text, encoding="utf-8")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto"))


def run_protoc(sources: pathlib.Path, target: pathlib.Path, described: pathlib.Path,
               names: list[str]) -> None:
    plugin = shutil.which("grpc_python_plugin")
    if not plugin or not shutil.which("protoc"):
        raise SystemExit("protoc or grpc_python_plugin is missing; on Debian: "
                         "apt-get install protobuf-compiler protobuf-compiler-grpc")
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{sources}", f"--plugin=protoc-gen-grpc={plugin}",
                    f"--python_out={target}", f"--pyi_out={target}", f"--grpc_out={target}",
                    f"--descriptor_set_out={described}", "--include_source_info", *names],
                   check=True)


def records_module(files: list[descriptor_pb2.FileDescriptorProto]) -> str:
    """Source of records.py: a frozen dataclass for each message that is no request, a
    string enumeration for each enum, with the comments of the contract."""
    parts = ['"""What answers are made of, generated from the contract. Do not edit."""',
             "from __future__ import annotations",
             "import dataclasses\nimport datetime\nimport enum\nfrom typing import ClassVar",
             "from bitbudget import _record"]
    modules = sorted(module_of(file) for file in files)
    parts.append("\n".join(f"from bitbudget.v1 import {module}" for module in modules))
    enums: list[str] = []
    names: list[str] = []
    for file in files:
        for path, scope, item in declarations(file):
            comment = comments(file).get(path, "")
            name = full_name(scope, item)
            if isinstance(item, descriptor_pb2.EnumDescriptorProto):
                enums.append(name)
                parts.append(enum_source(file, path, scope, item, comment))
            elif item.name.endswith("Request"):
                continue
            else:
                parts.append(record_source(file, path, scope, item, comment))
            names.append(python_name("." + name))
    parts.append(f"__all__ = {sorted(names)!r}")
    table = "".join(f'    "{name}": {python_name("." + name)},\n' for name in enums)
    parts.append(f"_record.ENUMS.update({{\n{table}}})")
    return "\n\n\n".join(parts) + "\n"


def declarations(file):
    """(path, scope, message or enum) of all of a file, outer ones first. Paths are those of
    its source information."""
    for i, item in enumerate(file.enum_type):
        yield (5, i), file.package, item
    pending = [((4, i), file.package, item) for i, item in enumerate(file.message_type)]
    while pending:
        path, scope, item = pending.pop(0)
        if item.options.map_entry:
            continue
        yield path, scope, item
        inner = full_name(scope, item)
        for i, nested in enumerate(item.enum_type):
            yield (*path, 4, i), inner, nested
        pending += [((*path, 3, i), inner, nested) for i, nested in enumerate(item.nested_type)]


def comments(file) -> dict[tuple[int, ...], str]:
    return {tuple(location.path): clean(location.leading_comments)
            for location in file.source_code_info.location if location.leading_comments}


def clean(comment: str) -> str:
    lines = textwrap.dedent(comment).strip().replace("\\", "\\\\").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def docstring(comment: str, indent: str) -> str:
    if not comment:
        return ""
    return textwrap.indent(f'"""{comment}"""', indent) + "\n"


def enum_source(file, path, scope, item, comment: str) -> str:
    source = f"class {python_name('.' + full_name(scope, item))}(enum.StrEnum):\n"
    source += docstring(comment or "Values of an enumeration.", "    ")
    for i, value in enumerate(item.value):
        if value.number:
            source += f'\n    {value.name} = "{value.name}"\n'
            source += docstring(comments(file).get((*path, 2, i), ""), "    ")
    return source.rstrip("\n")


def record_source(file, path, scope, item, comment: str) -> str:
    name = full_name(scope, item)
    python = python_name("." + name)
    source = "@dataclasses.dataclass(frozen=True, repr=False)\n"
    source += f"class {python}(_record.{BASES.get(python, 'Record')}):\n"
    source += docstring(comment or f"The message {name}.", "    ")
    qualified = name.removeprefix("bitbudget.v1.")
    source += f"\n    _message: ClassVar[_record.MessageClass] = {module_of(file)}.{qualified}\n"
    maps = {f".{name}.{nested.name}" for nested in item.nested_type if nested.options.map_entry}
    for i, field in enumerate(item.field):
        python, default = field_type(field, maps)
        attribute = field.name + ("_" if keyword.iskeyword(field.name) else "")
        source += f"\n    {attribute}: {python} = {default}\n"
        source += docstring(comments(file).get((*path, 2, i), ""), "    ")
    return source.rstrip("\n")


def field_type(field, maps: set[str]) -> tuple[str, str]:
    """The annotation of a field and its default."""
    if field.type_name in maps:
        return "dict[str, str]", "dataclasses.field(default_factory=dict)"
    scalar, default = SCALARS.get(field.type, (python_name(field.type_name), "None"))
    if field.label == Field.LABEL_REPEATED:
        return f"tuple[{scalar}, ...]", "()"
    if default == "None" or field.HasField("oneof_index"):
        return f"{scalar} | None", "None"
    return scalar, default


def full_name(scope: str, item) -> str:
    return f"{scope}.{item.name}"


def module_of(file) -> str:
    return pathlib.PurePath(file.name).stem + "_pb2"


def python_name(type_name: str) -> str:
    """The class that stands for a message or enum, ".bitbudget.v1.Fit": nested names are
    joined."""
    if type_name in WELL_KNOWN:
        return WELL_KNOWN[type_name]
    return type_name.removeprefix(".bitbudget.v1.").replace(".", "")


def main(target: str) -> None:
    """Copies the hand-written modules into `target`, then generates."""
    package = pathlib.Path(target) / "bitbudget"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(HERE / "bitbudget", package,
                    ignore=shutil.ignore_patterns("__pycache__"))
    generate(pathlib.Path(target))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
