"""Asks a running bitbudget server through its command line."""

import json
import subprocess


class Refused(Exception):
    """The server refuses the question; the text says why."""


class Service:
    """Calls of `bitbudget` against the server of the environment (BITBUDGET_SERVER)."""

    def ask(self, *arguments: str, text: str | None = None) -> dict:
        """The reply of one command as the message's JSON."""
        done = subprocess.run(
            ["bitbudget", "--json", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return json.loads(done.stdout)

    def export(self, study: str) -> str:
        """All included runs of a study as CSV."""
        command = ["bitbudget", "experiments", "export", "--study", study]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def fit(self, study: str) -> dict:
        return self.ask("fit", "show", "--study", study)

    def fit_rows(self, study: str, definition: dict, csv_text: str) -> dict:
        """Creates `study` with these rows and fits it."""
        writable = {
            key: definition[key]
            for key in ("loss_unit", "parameter_convention", "law", "model_family", "tokenizer")
            if key in definition
        }
        writable["fit_options"] = {
            key: value for key, value in definition.get("fit_options", {}).items() if value
        }
        definition_text = json.dumps(writable)
        self.ask("study", "create", study, "--definition", "/dev/stdin", text=definition_text)
        self.ask("experiments", "import", "--study", study, "-", "--wait", text=csv_text)
        return self.fit(study)

    def fraction(self, study: str, parameters: int, tokens: float, weight_bits: float) -> dict:
        return self.ask(
            "fraction", "--study", study, "--parameters", str(parameters),
            "--total-tokens", str(int(tokens)), "--weight-bits", f"{weight_bits:g}",
        )

    def loss(self, study: str, parameters: int, fp: int, qat: int, weight_bits: float) -> float:
        """Predicted loss, nats."""
        reply = self.ask(
            "predict", "--study", study, "--parameters", str(parameters),
            "--fp-tokens", str(fp), "--qat-tokens", str(qat), "--weight-bits", f"{weight_bits:g}",
        )
        return reply["loss_nats"]["value"]
