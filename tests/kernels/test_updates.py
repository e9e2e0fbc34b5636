"""Update kernels: compiled and interpreted agree, and a float32 kernel is float32 throughout."""

import numba
import numpy as np
import pytest

from rnnforecast.kernels import updates

N_SCALARS = {"sgd": 3, "rmsprop": 4, "adam": 9}
N_STATES = {"sgd": 1, "rmsprop": 1, "adam": 2}


def interpreted(name):
    function = getattr(updates, name)
    return getattr(function, "py_func", function)


def arguments(name, dtype, n_parameters):
    rng = np.random.default_rng(0)
    vector = [rng.normal(size=n_parameters), rng.uniform(size=n_parameters), rng.uniform(0.1, 0.9, N_SCALARS[name])]
    states = [rng.uniform(size=n_parameters) for _ in range(N_STATES[name])]
    return [a.astype(dtype) for a in (*vector, *states, rng.normal(size=n_parameters))]


@pytest.mark.parametrize("n_parameters", [1, 7, 64, 101])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", N_SCALARS)
def test_the_compiled_update_is_the_interpreted_one(name, dtype, n_parameters):
    compiled, plain = arguments(name, dtype, n_parameters), arguments(name, dtype, n_parameters)
    getattr(updates, name)(*compiled)
    interpreted(name)(*plain)
    for a, b in zip(compiled, plain, strict=True):
        # Ten operations on numbers of order 1; products may be fused when compiled
        np.testing.assert_allclose(a, b, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", N_SCALARS)
def test_only_the_states_and_the_parameters_change(name):
    after, before = arguments(name, np.float64, 5), arguments(name, np.float64, 5)
    getattr(updates, name)(*after)
    for a, b in zip(after[:3], before[:3], strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(after[3:], before[3:], strict=True):
        assert (a != b).all()


@pytest.mark.parametrize("name", N_SCALARS)
def test_nan_and_infinity_stay_in_their_entry(name):
    values = arguments(name, np.float32, 19)
    values[0][3], values[0][8] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        getattr(updates, name)(*values)
    assert np.isnan(values[-1][3])
    assert np.isfinite(np.delete(values[-1], [3, 8])).all()


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="Numba's compiler is switched off")
@pytest.mark.parametrize("name", N_SCALARS)
def test_a_float32_kernel_never_widens_to_float64(name):
    compiled = numba.njit(error_model="numpy")(interpreted(name))  # code that came from the disk cache shows no LLVM
    compiled(*arguments(name, np.float32, 3))
    (source,) = compiled.inspect_llvm().values()
    assert "fpext" not in source
    assert "float" in source
