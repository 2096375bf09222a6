"""What linear estimators share: `X @ coef_.T + intercept_`, and deciding by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp

from ..graph import evaluate
from ..ops import (
    MOST_DOUBTFUL,
    ArgMax,
    Arith,
    Column,
    CsrProduct,
    CsrSizes,
    Decided,
    Finite,
    Map,
    MatMul,
    Op,
    Provided,
    Shares,
    ValidCsr,
    cast,
    no_larger,
)
from ..ops.conditions import Below
from ..table import TORCH_DTYPES
from .registry import Responses, Unsupported, current_conversion
from .responses import classifier, positive, two_columns
from .validation import numpy_dtype, validate

LARGE = 1e4  # a coefficient from which on it is looked at whether terms cancel
MOST_CANCELLED = 1e5  # times a sum, or 1, that its terms may be: they are off by 1e-11 then
MODERATE = Below(MOST_CANCELLED)
MOST_CENTERS = 16  # of which the nearest is found sooner than natively
LARGE_CENTER = 1e100  # beyond which squares may overflow
FAR = 100.0  # times the largest value of a center, which few values of rows are beyond


@dataclass(frozen=True)
class Linear:
    """`rows @ weight + offset`, and what rounding may do to it."""

    result: Op
    rows: Op
    weight: np.ndarray  # (rows.width, n) or (rows.width,)
    offset: np.ndarray | float

    @property
    def scores(self) -> Op:
        """The result as a `decision_function` has it: a lone column as one value a row."""
        return Column(self.result, 0) if self.result.width == 1 else self.result

    @property
    def decided(self) -> Decided:
        """The scores, where rounding cannot change which is best."""
        return self._decided(signs=False)

    @property
    def signs_decided(self) -> Decided:
        """The scores, where rounding changes no sign."""
        return self._decided(signs=True)

    def _decided(self, signs: bool) -> Decided:
        offset = float(np.abs(self.offset).max())
        return Decided(self.scores, self.rows, self.weight, offset, signs)


def linear(x: Op, coef: Any, intercept: Any = None) -> Linear:
    """`x @ coef.T + intercept` in the dtypes NumPy would take, float32 excepted.

    A sum in float32 is off by more than answers may be, by how much depends on the order in which
    NumPy's BLAS adds, and what it adds up to may decide on a label: nobody else gets the same.

    A value of `x` that is not finite makes a result that is not: one look at the results, which
    finds overflow too, spares one at `x`.
    """
    coef = coef.toarray() if sp.issparse(coef) else np.asarray(coef)
    offset = 0.0 if intercept is None else intercept
    if not (np.isfinite(coef).all() and np.isfinite(offset).all()):
        raise Unsupported("coefficients that are not finite")
    common = np.result_type(numpy_dtype(x), coef)
    if common == np.float32:
        raise Unsupported("a product in float32 rounds as NumPy's BLAS orders it")
    if x.stays_sparse:
        return _sparse_linear(x, np.ascontiguousarray(coef.T, np.float64), intercept, offset)
    rows = cast(x.x if isinstance(x, Finite) else x, TORCH_DTYPES[common])
    weight = np.ascontiguousarray(coef.T, common)
    product: Op = MatMul(rows, weight)
    result = product if intercept is None else plus(product, intercept)
    if np.abs(weight).max(initial=0) > LARGE:
        sizes = MatMul(Map(rows, torch.abs), np.abs(weight))
        result = _not_cancelled(result, sizes, offset)
    return Linear(Finite(result), rows, weight, offset)


def _not_cancelled(result: Op, sizes: Op, offset: Any) -> Op:
    """The result, where the sizes of its terms are not so much more that rounding would be seen.

    A sum is off by some `eps * sum(|x w|)`, by how much depends on the order it is taken in.
    """
    reach = sizes + float(np.abs(offset).max())
    share = Arith(torch.div, reach, Map(result, torch.abs) + 1.0)
    result = Provided(result, share, MODERATE)
    if not holds_for_some(result):
        raise Unsupported("coefficients so large that their terms cancel")
    return result


def holds_for_some(guard: Provided) -> bool:
    """Whether the first rows are not answered natively, as all others would be then."""
    sample = current_conversion().sample
    if sample is None:
        return True
    try:
        of = torch.from_numpy(np.asarray(evaluate(guard.of, sample)))
    except Exception:  # rows that are refused say nothing of others
        return True
    held = guard.holds_by_row(of, of, guard.condition, guard.alone).to(torch.float64)
    return bool(held.mean() >= 1 - MOST_DOUBTFUL or not of.isfinite().all())


def _sparse_linear(x: Op, weight: np.ndarray, intercept: Any, offset: Any) -> Linear:
    """The same of a sparse matrix, judged by the sizes of its rows and the largest weights."""
    if isinstance(x, ValidCsr):  # what is not finite there makes a result that is not
        x = replace(x, allow_nan=True, allow_inf=True)
    product = CsrProduct(x, weight)
    result = product if intercept is None else plus(product, intercept)
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=0, keepdims=True)
    if largest.max(initial=0) > LARGE:
        result = _not_cancelled(result, Arith(torch.mul, CsrSizes(x), largest), offset)
    return Linear(Finite(result), CsrSizes(x), largest, offset)


def nearest(x: Op, centers: np.ndarray) -> Op:
    """Scores of which the largest is that of the nearest center, as far as rounding lets it.

    Natively `|x|^2` is added to the squares, whose last bits are more than others where it is
    large: rows far beyond all centers stay native.
    """
    largest = float(np.abs(centers).max(initial=0.0))
    if len(centers) > MOST_CENTERS:
        raise Unsupported("so many centers that scikit-learn is as fast")
    if len(centers) < 2 or not 0 < largest < LARGE_CENTER:
        raise Unsupported("a single center, or one that is too far away")
    x = cast(x.x if isinstance(x, Finite) else x, torch.float64)
    x = no_larger(x, FAR * largest)
    squares = len(centers[0]) * (FAR * largest) ** 2
    return replace(closeness(x, centers).decided, shift=squares)


def closeness(x: Op, centers: np.ndarray) -> Linear:
    """`2 x c - |c|^2`, which is largest where `|x - c|^2` is smallest."""
    return linear(x, 2.0 * centers, -np.einsum("ij,ij->i", centers, centers))


def plus(x: Op, y: Any) -> Op:
    """`x + y` where `y` holds a value per column or one for all.

    Whether a NumPy scalar makes a wider dtype of an array's depends on NumPy's version.
    """
    common = np.result_type(np.empty(1, numpy_dtype(x)), y)
    return cast(x, TORCH_DTYPES[common]) + np.atleast_1d(np.asarray(y, common))


def minus(x: Op, y: np.ndarray) -> Op:
    """`x - y` in NumPy's common dtype, `y` holding a value per column."""
    return cast(x, TORCH_DTYPES[np.result_type(numpy_dtype(x), y)]) - y


def centred(x: Op, mean: np.ndarray, spread: np.ndarray) -> tuple[Op, np.ndarray]:
    """`(x - mean) / scale`, the scale being about the columns' spread, and the scale.

    A power of two changes no digit. What is made of columns of spread 1 tells whether it may be
    folded with their means, and keeps its digits.
    """
    known = np.where((spread > 0) & np.isfinite(spread), spread, 1.0)
    scale = np.exp2(np.round(np.log2(known)).clip(-500, 500))
    return minus(x, mean) * (1 / scale), scale


def linear_function(est: Any, x: Op, dtype: str = "numeric") -> Linear:
    """The linear function of an estimator that takes sparse input as it takes dense."""
    return linear(validate(est, x, dtype, accept_sparse=True), est.coef_, est.intercept_)


def linear_classifier(est: Any, f: Linear, *, proba: Op | None = None) -> Responses:
    """Responses of a `LinearClassifierMixin`: the class with the largest score, or its sign's."""
    n_scores = 2 if f.scores.width is None else f.scores.width
    if n_scores != len(est.classes_):
        raise Unsupported(f"{n_scores} scores for {len(est.classes_)} classes")
    codes = positive(f.decided) if f.scores.width is None else ArgMax(f.decided)
    return classifier(est, proba=proba, scores=f.scores, codes=codes)


def one_vs_rest_proba(scores: Op) -> Op:
    """The logistic function of each score, over their sum: `_predict_proba_lr`."""
    p = Map(scores, torch.sigmoid)
    # Where the sum is 0 scikit-learn's versions differ, and answer themselves.
    return two_columns(p) if p.width is None else Finite(Shares(p))
