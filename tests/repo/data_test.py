"""The bundled experiments are those that were measured, once each."""

import collections
import csv
import hashlib
import json
import subprocess
import sys
import unittest

import repository

PROTOTYPE = repository.ROOT / "data" / "micro_prototype"
CAMPAIGN = repository.ROOT / "data" / "micro_campaign"
NATURAL_KEY = (
    "role", "recipe", "optimizer", "schedule", "parameters", "fp_tokens", "qat_tokens",
    "weight_bits", "replicate",
)


def experiments(folder):
    with open(folder / "experiments.csv", newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def shapes(folder):
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    return {s["parameters"]: s for s in study["modelFamily"]["shapes"]}


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
        for folder in (PROTOTYPE, CAMPAIGN):
            with self.subTest(folder=folder.name):
                keys = collections.Counter(
                    tuple(row[c] for c in NATURAL_KEY) for row in experiments(folder))
                self.assert_none([key for key, count in keys.items() if count > 1])

    def test_the_data_cards_count_the_rows(self):
        card = (PROTOTYPE / "README.md").read_text(encoding="utf-8")
        counts = collections.Counter(
            (row["role"], row["schedule"]) for row in experiments(PROTOTYPE))
        for (role, schedule), count in counts.items():
            self.assertIn(f"| `{role}`, `{schedule}` | {count} |", card)
        card = (CAMPAIGN / "README.md").read_text(encoding="utf-8")
        counts = collections.Counter(
            (row["role"], row["schedule"], row["optimizer"] == "adamw")
            for row in experiments(CAMPAIGN))
        for (role, schedule, own), count in counts.items():
            optimizer = "`adamw`" if own else "of the sweep"
            self.assertIn(f"| `{role}`, `{schedule}`, {optimizer} | {count} |", card)

    def test_the_prototype_study_knows_the_shape_of_every_size(self):
        known = shapes(PROTOTYPE)
        self.assertEqual(set(known), {row["parameters"] for row in experiments(PROTOTYPE)})
        for parameters, shape in known.items():
            self.assertEqual(int(parameters), 12 * shape["layers"] * shape["width"] ** 2)

    def test_a_grid_asks_for_every_run_of_the_campaign(self):
        sys.path.insert(0, str(repository.ROOT / "scripts"))
        import reproduce_runs  # pylint: disable=import-outside-toplevel

        grids = reproduce_runs.grids(CAMPAIGN)
        widths = {int(n): shape["width"] for n, shape in shapes(CAMPAIGN).items()}
        for row in experiments(CAMPAIGN):
            config = reproduce_runs.training(row, grids, widths)
            self.assertEqual(int(row["fp_tokens"]), config["schedule"]["fp_tokens"])


if __name__ == "__main__":
    unittest.main()
