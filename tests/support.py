"""The one comparison that every test makes: ours against the native estimator."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse as sp
from sklearn.base import clone

from sktensor import TensorAccelerated

METHODS = (
    "transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "apply",
)
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-6}


def assert_same(ours: Any, native: Any, *, exact: bool = False) -> None:
    """Container, shape, dtype, names, index and values are those of the native answer.

    Numbers may differ by 1e-10 (float32: 1e-6) of the value or of the largest value in the same
    answer, where sums of both signs cancel; nothing else may differ. `exact` allows no difference.
    """
    assert type(ours) is type(native), (type(ours), type(native))
    if isinstance(native, list | tuple):
        assert len(ours) == len(native)
        for a, b in zip(ours, native, strict=True):
            assert_same(a, b, exact=exact)
        return
    if sp.issparse(native):
        assert ours.format == native.format
        assert_same(ours.toarray(), native.toarray(), exact=exact)
        return
    if hasattr(native, "columns"):
        _assert_same_frame(ours, native, exact)
        return
    native, ours = np.asarray(native), np.asarray(ours)
    assert ours.shape == native.shape, (ours.shape, native.shape)
    assert ours.dtype == native.dtype, (ours.dtype, native.dtype)
    tolerance = None if exact else TOLERANCE.get(native.dtype)
    if native.dtype == object:
        assert all(map(_same_object, ours.flat, native.flat)), (ours, native)
        return
    if tolerance is None:
        np.testing.assert_array_equal(ours, native)
        return
    finite = np.abs(native[np.isfinite(native)])
    largest = float(finite.max(initial=0.0))
    np.testing.assert_allclose(ours, native, rtol=tolerance, atol=tolerance * min(largest, 1e300))


def _same_object(ours: Any, native: Any) -> bool:
    """Whether two items of an array of objects are equal; NaN is like NaN, and only like it."""
    if ours is native:
        return True
    if not isinstance(native, type(ours)):
        return False
    return bool(ours == native or (ours != ours and native != native))


def _assert_same_frame(ours: Any, native: Any, exact: bool) -> None:
    assert list(ours.columns) == list(native.columns)
    assert list(ours.dtypes) == list(native.dtypes)
    if hasattr(native, "index"):
        assert type(ours.index) is type(native.index)
        assert ours.index.equals(native.index)
    for i in range(native.shape[1]):
        a, b = ((f.iloc[:, i] if hasattr(f, "iloc") else f[:, i]) for f in (ours, native))
        assert_same(a.to_numpy(), b.to_numpy(), exact=exact)


def outcome(call: Any) -> tuple[str, Any, list[tuple[type, str]]]:
    """What a call gives: its answer or its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            kind, value = "answer", call()
        except Exception as error:  # whatever it is must be the same on both sides
            kind, value = "error", error
    return kind, value, [(w.category, str(w.message)) for w in caught]


def words(error: Exception) -> str:
    """What an error says, but for the time of day in XGBoost's."""
    return re.sub(r"\[\d\d:\d\d:\d\d\]", "", str(error))


def assert_same_outcome(ours: Any, native: Any, *, exact: bool = False) -> None:
    """Two calls give the same answer, or the same error with the same words; and warn alike."""
    kind, value, warned = outcome(ours)
    native_kind, native_value, native_warned = outcome(native)
    if native_kind == "error":
        assert kind == "error", f"native raises {native_value!r}, ours answers"
        assert type(value) is type(native_value), (value, native_value)
        assert words(value) == words(native_value)
    else:
        if kind == "error":
            raise value
        assert_same(value, native_value, exact=exact)
        assert set(warned) == set(native_warned), (warned, native_warned)


def assert_answers_alike(
    estimator: Any,
    X: Any,
    *,
    methods: tuple[str, ...] = METHODS,
    native: tuple[str, ...] = (),
    compiled: bool = True,
    exact: bool = False,
    device: str = "cpu",
) -> TensorAccelerated:
    """Every response method of the fitted estimator answers `X` as it does natively.

    With `compiled`, no step of any method but those in `native` may run natively.
    """
    ours = TensorAccelerated(estimator, device=device)
    for method in methods:
        assert hasattr(ours, method) == hasattr(estimator, method), method
        if not hasattr(estimator, method):
            continue
        assert_same_outcome(
            lambda m=method: getattr(ours, m)(X),
            lambda m=method: getattr(estimator, m)(X),
            # A card's logarithm may end in another bit.
            exact=exact and (device == "cpu" or method != "predict_log_proba"),
        )
        if compiled and method not in native:
            ran_natively = [s for s in ours.explain(method).steps if s.backend == "native"]
            assert not ran_natively, f"{method}: {ran_natively}"
    return ours


def fitted_quietly(estimator: Any, X: Any, y: Any = None, **params: Any) -> Any:
    """A clone fitted, without what it has to say of its future, convergence and the like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(estimator).fit(X, y, **params)


@dataclass(frozen=True)
class Case:
    """A row of the case table: an estimator, and rows to fit and to answer.

    `X` is what it is fitted on (None: the table's own numbers); `probe` holds rows to answer
    beside those it was fitted on. `native` names the methods that may run natively, `reason` is
    part of the reason they give. `dtypes` are the dtypes of numeric arrays to answer besides.
    """

    estimator: Any
    X: Any = None
    y: Any = None
    probe: Any = None
    native: tuple[str, ...] = ()
    reason: str = ""
    exact: bool = False
    dtypes: tuple[str, ...] = ("float64", "float32")
    frame: bool = True
    fit_params: dict[str, Any] = field(default_factory=dict)
