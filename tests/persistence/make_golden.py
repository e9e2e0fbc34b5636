"""Write model files of this release, and what their models answer, for later releases to read.

``python -m tests.persistence.make_golden`` writes the folder of the present version, on purpose and never by a test.
A version that has been released keeps the files that it was released with.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import rnnforecast as rf
from tests.persistence.cases import CASES

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("naive, a panel", "linear, a zone", "rnn, statics", "classifier", "generator", "detector, hindsight")


def slug(name: str) -> str:
    """Return the name of a case as that of a file."""
    return name.replace(",", "").replace(" ", "_")


def main() -> None:
    """Write one file for each model, and one with all answers."""
    folder = GOLDEN / rf.__version__
    folder.mkdir(parents=True, exist_ok=True)
    answers = {}
    for name in NAMES:
        model = CASES[name].make()
        model.save(folder / f"{slug(name)}.rnn")
        answers[slug(name)] = np.asarray(CASES[name].ask(model), float).round(12).tolist()
    (folder / "answers.json").write_text(json.dumps(answers).replace("], ", "],\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
