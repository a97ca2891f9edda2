"""The bundled experiments are those that were measured, once each."""

import collections
import csv
import hashlib
import json
import subprocess
import sys
import unittest

import repository

FOLDER = repository.ROOT / "data" / "micro_prototype"
NATURAL_KEY = (
    "role", "recipe", "optimizer", "schedule", "parameters", "fp_tokens", "qat_tokens",
    "weight_bits", "replicate",
)


def experiments():
    with open(FOLDER / "experiments.csv", newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


class Data(repository.RepositoryTest):
    def test_checksums_match(self):
        listed = (repository.ROOT / "data" / "data.sha256").read_text(encoding="ascii")
        for line in listed.splitlines():
            expected, name = line.split()
            with self.subTest(name=name):
                content = (repository.ROOT / "data" / name).read_bytes()
                self.assertEqual(expected, hashlib.sha256(content).hexdigest())

    def test_every_data_file_has_a_checksum(self):
        listed = (repository.ROOT / "data" / "data.sha256").read_text(encoding="ascii")
        files = repository.files(".csv", ".json", under="data")
        expected = {str(path.relative_to("data")) for path in files}
        self.assertEqual(expected, {line.split()[1] for line in listed.splitlines()})

    def test_experiments_are_converted_from_the_measurements(self):
        script = repository.ROOT / "scripts" / "convert_micro_prototype.py"
        result = subprocess.run([sys.executable, script, "--check"], check=False)
        self.assertEqual(0, result.returncode)

    def test_natural_keys_are_unique(self):
        keys = collections.Counter(tuple(row[c] for c in NATURAL_KEY) for row in experiments())
        self.assert_none([key for key, count in keys.items() if count > 1])

    def test_the_data_card_counts_the_rows(self):
        card = (FOLDER / "README.md").read_text(encoding="utf-8")
        counts = collections.Counter((row["role"], row["schedule"]) for row in experiments())
        for (role, schedule), count in counts.items():
            self.assertIn(f"| `{role}`, `{schedule}` | {count} |", card)

    def test_the_study_knows_the_shape_of_every_size(self):
        study = json.loads((FOLDER / "study.json").read_text(encoding="utf-8"))
        shapes = {s["parameters"]: s for s in study["modelFamily"]["shapes"]}
        self.assertEqual(set(shapes), {row["parameters"] for row in experiments()})
        for parameters, shape in shapes.items():
            self.assertEqual(int(parameters), 12 * shape["layers"] * shape["width"] ** 2)


if __name__ == "__main__":
    unittest.main()
