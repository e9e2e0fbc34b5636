"""Whatever is no data is refused at every door: by type and sentence, before any work, with all as it was."""

from __future__ import annotations

import copy
import re

import numpy as np
import pandas as pd
import pytest

from tests.trust.cases import CASES
from tests.trust.doors import DOORS

PAIRS = [
    pytest.param(door, case, id=f"{name} <- {what}")
    for name, door in DOORS.items()
    for what, case in CASES.items()
    if case.breaks & set(door.wants.split())
]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_takes_good_data_and_leaves_them_as_they_are(door):
    data = door.rows.hold()
    before = data.copy(deep=True)
    answer = door.call(copy.deepcopy(door.model()), data)
    assert data.equals(before)
    assert data.index.equals(before.index)
    if isinstance(answer, np.ndarray | pd.Series):
        assert not np.shares_memory(np.asarray(answer), data.to_numpy())


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(("door", "case"), PAIRS)
def test_what_is_no_data_is_refused(door, case):
    model, data = door.model(), case.make(door.rows)
    before = dict(vars(model))
    with pytest.raises((ValueError, TypeError)) as caught:
        door.call(model, data)
    if door.message is None or door.message not in str(caught.value):
        assert type(caught.value) in np.atleast_1d(case.error), repr(caught.value)
        assert re.search(case.message, str(caught.value), re.DOTALL), caught.value
    after = {name: value for name, value in vars(model).items() if name != "_stream"}  # begun by the first row
    before.pop("_stream", None)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
