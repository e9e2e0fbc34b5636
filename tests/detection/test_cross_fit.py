"""Every row is judged once, by a model that has not seen it."""

import numpy as np
import pytest

from rnnforecast.detection import cross_fit, folds


@pytest.mark.parametrize(("n_rows", "n_blocks", "gap"), [(100, 5, 0), (103, 5, 7), (10, 10, 0), (7, 2, 2)])
def test_blocks_cover_all_rows_and_nothing_near_them_is_learnt(n_rows, n_blocks, gap):
    judged_rows = []
    for learnt, (start, stop) in folds(n_rows, n_blocks, gap=gap):
        rows = np.concatenate([np.arange(*part) for part in learnt])
        far = (rows < start - gap) | (rows >= stop + gap)
        assert far.all()
        assert len(rows) == max(start - gap, 0) + max(n_rows - stop - gap, 0)
        judged_rows += range(start, stop)
    assert judged_rows == list(range(n_rows))


def test_residuals_are_those_of_models_without_their_block(rng):
    y = rng.normal(size=50)

    def residuals(learnt, judged):
        return y[slice(*judged)] - np.concatenate([y[slice(*part)] for part in learnt]).mean()

    out = cross_fit(residuals, 50)
    for start in range(0, 50, 10):
        others = np.delete(y, slice(start, start + 10)).mean()
        np.testing.assert_allclose(out[start : start + 10], y[start : start + 10] - others, rtol=1e-12)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="n_blocks must lie between 2 and the number of rows 4, got 5"):
        list(folds(4))
    with pytest.raises(ValueError, match="10 rows in 2 blocks with a gap of 5 leave none to learn from"):
        list(folds(10, 2, gap=5))
