"""Model files of every release can be read, and answer as they did there."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rnnforecast as rf
from tests.persistence.cases import CASES
from tests.persistence.make_golden import GOLDEN, NAMES, slug

FILES = sorted(GOLDEN.glob("*/*.rnn"))
ASKED = {slug(name): CASES[name].ask for name in NAMES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_a_model_of_an_earlier_release_answers_as_it_did(path):
    answers = json.loads((path.parent / "answers.json").read_text(encoding="utf-8"))
    found = np.asarray(ASKED[path.stem](rf.load(path)), float)
    # Other processors and libraries add in another order: float32 networks differ by some 1e-7.
    np.testing.assert_allclose(found, np.array(answers[path.stem], float), rtol=1e-6, atol=1e-6)


def test_there_are_files_of_this_release():
    assert {path.parent.name for path in FILES} >= {rf.__version__}
