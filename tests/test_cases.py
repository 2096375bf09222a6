"""The case table: every converter, with every parameter that changes its arithmetic."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pandas as pd
import pytest

from sktensor.converters import LIBRARIES
from sktensor.converters.registry import converter_types

from . import cases
from .cases import data
from .support import Case, assert_answers_alike, fitted_quietly

CASES = [
    pytest.param(case, id=f"{module.name}-{i}-{type(case.estimator).__name__}")
    for module in iter_modules(cases.__path__)
    if module.name != "data"
    for i, case in enumerate(import_module(f"{cases.__name__}.{module.name}").CASES)
]


def _fitted(case: Case):
    X = data.X if case.X is None else case.X
    return fitted_quietly(case.estimator, X, case.y, **case.fit_params), X


def _tables(case: Case, X):
    """The same rows in every container and dtype that the case allows."""
    yield from (t for t in (X, case.probe) if t is not None)
    yield X[:1]
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":
        for dtype in case.dtypes:
            yield X.astype(dtype)
        yield np.asfortranarray(X)
        yield X[::2]
        yield X[::-1]
        if case.frame:
            yield pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES)
def test_answers_as_the_native_estimator(case, device):
    estimator, X = _fitted(case)
    for table in _tables(case, X):
        ours = assert_answers_alike(
            estimator, table, native=case.native, exact=case.exact, device=device
        )
    for method in case.native:
        steps = ours.explain(method).steps
        reasons = [s.reason for s in steps if s.backend == "native"]
        assert reasons, f"{method} is compiled: take it off the row"
        assert all(case.reason in reason for reason in reasons), reasons


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES)
def test_a_frame_that_was_fitted_is_answered_with_its_names(case, device):
    X = data.X if case.X is None else case.X
    if not isinstance(X, np.ndarray) or X.dtype.kind != "f" or not case.frame:
        return
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    estimator, _ = _fitted(Case(case.estimator, frame, case.y, fit_params=case.fit_params))
    for table in (frame, X):
        assert_answers_alike(estimator, table, native=case.native, exact=case.exact, device=device)


def test_every_converter_has_a_case():
    for library in LIBRARIES:
        import_module(f"sktensor.converters.{library}")
    tested = {kind for case in CASES for kind in _types_in(case.values[0].estimator)}
    assert not {c.__name__ for c in converter_types() if c not in tested}


def _types_in(estimator):
    yield type(estimator)
    for value in estimator.get_params(deep=True).values():
        if hasattr(value, "get_params") and not isinstance(value, type):
            yield type(value)
