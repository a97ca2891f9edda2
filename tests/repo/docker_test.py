"""The images hold what their programs need."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import repository

BIN = pathlib.Path(os.environ["BITBUDGET_BUILD_DIR"]) / "bin"
PROGRAMS = {
    "docker/Dockerfile.server": ("bitbudget-server", "bitbudget", "bitbudget-worker"),
    "docker/Dockerfile.worker": ("bitbudget-worker",),
}


def last_stage(dockerfile):
    """The instructions of the image itself, each on one line."""
    return repository.text(dockerfile).replace("\\\n", " ").split("\nFROM ")[-1]


def installed(dockerfile):
    """The packages that the image asks for."""
    [packages] = re.findall(r"--no-install-recommends ([^&]*)&&", last_stage(dockerfile))
    return set(packages.split())


def dependencies():
    """What each package of this machine depends on, alternatives included."""
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package}\t${Pre-Depends},${Depends}\n"],
        capture_output=True, text=True, check=True).stdout
    pairs = (line.split("\t") for line in listing.splitlines())
    return {name: set(re.findall(r"(?:^|[,|])\s*([a-z0-9.+-]+)", text)) for name, text in pairs}


def with_dependencies(packages):
    known = dependencies()
    found, todo = set(), set(packages)
    while todo:
        package = todo.pop()
        found.add(package)
        todo |= known.get(package, set()) - found
    return found


def libraries(program):
    """The shared libraries that a program names. BLAS is left out (which one it is depends on
    the machine that builds, and libceres3 brings one), and so are those of sanitizers."""
    listing = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True)
    named = re.findall(r"NEEDED\s+(\S+)", listing.stdout)
    return {name for name in named if not re.match(r"lib(openblas|blas|[a-z]+san)\.", name)}


def files_of(packages):
    """The names of the files in those of the packages that this machine has."""
    listing = subprocess.run(["dpkg-query", "--listfiles", *packages],
                             capture_output=True, text=True, check=False)
    return {pathlib.Path(line).name for line in listing.stdout.splitlines()}


class Docker(repository.RepositoryTest):
    @unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("objdump"),
                         "packages are looked up where Debian's dpkg and binutils are")
    def test_images_install_the_libraries_of_their_programs(self):
        for dockerfile, programs in PROGRAMS.items():
            present = files_of(with_dependencies(installed(dockerfile)))
            for program in programs:
                if not (BIN / program).exists():
                    self.skipTest(f"{program} is not built")
                self.assert_none(f"{dockerfile}: {program} needs {library}"
                                 for library in libraries(BIN / program) - present)

    def test_the_server_serves_the_dashboard_of_its_image(self):
        image = last_stage("docker/Dockerfile.server")
        [folder] = re.findall(r"--from=build /src/dashboard/dist/ (\S+)/\n", image)
        self.assertIn(f'"--dashboard", "{folder}"', image)


if __name__ == "__main__":
    unittest.main()
