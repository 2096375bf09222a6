"""The front end: a fitted estimator in, the ops of its response methods out.

A converter reads like the estimator's own `transform` or `predict`. It is found by the exact
type, since a subclass may override anything; an estimator without one, or one that declines by
raising `Unsupported`, becomes a `Native` op.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils._set_output import _auto_wrap_is_configured, _get_output_config
from sklearn.utils.validation import check_is_fitted

from ..graph import evaluate, is_exact
from ..ops import (
    Columns,
    CsrSelect,
    Input,
    Named,
    Native,
    Numbers,
    Op,
    Select,
    as_csr,
    is_table,
    signature,
    unnamed,
)
from .parameters import LIBRARIES, OPTIONAL, unknown_parameters


class Unsupported(Exception):
    """A converter declines this estimator, or one of its methods; the message says why."""


@dataclass(frozen=True)
class Responses:
    """One op per response method; None for one that the estimator lacks or that runs natively.

    Methods in `unlike` answer other than their name says, and no other estimator reads them.
    """

    transform: Op | None = None
    predict: Op | None = None
    predict_proba: Op | None = None
    predict_log_proba: Op | None = None
    decision_function: Op | None = None
    score_samples: Op | None = None
    apply: Op | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    unlike: dict[str, str] = field(default_factory=dict)

    def get(self, method: str) -> Op:
        """The op of one method, for another estimator to read, or Unsupported."""
        if method in self.unlike:
            raise Unsupported(f"{method} of a member: {self.unlike[method]}")
        op = getattr(self, method)
        if op is None:
            raise Unsupported(f"no {method}")
        return op


METHODS = tuple(f.name for f in fields(Responses) if f.name not in ("reasons", "unlike"))

Converter = Callable[[Any, Op], Responses]
_CONVERTERS: dict[type, Converter] = {}
_TAKE_SPARSE: set[Converter] = set()  # those that know what to do where `x.stays_sparse`

# Estimators made of estimators and nothing else: a plan lists what they are made of.
CONTAINERS = frozenset({"Pipeline", "FeatureUnion", "ColumnTransformer"})

# Where ColumnTransformer and FeatureUnion note the names of each answer, for steps that have none.
NAMES_NOTED = "_transformers_feature_names_out"

# They may return the very DataFrame they read.
PASS_ON = frozenset({"FunctionTransformer"})

# Their copy=False is about the rows they are fitted on.
COPIES_IN_FIT = frozenset({"PCA", "IncrementalPCA"})


def is_pipeline(estimator: Any) -> bool:
    """Whether it is a pipeline of scikit-learn, or of imbalanced-learn, which answers as those."""
    cls = type(estimator)
    return cls.__name__ == "Pipeline" and cls.__module__ in (
        "sklearn.pipeline",
        "imblearn.pipeline",
    )


@dataclass(frozen=True)
class Converted:
    """An estimator that a conversion came by, and the name it has among the others."""

    name: str
    estimator: Any
    responses: Responses
    x: Op | None = None  # what it reads


@dataclass
class Conversion:
    """What holds for all estimators of one conversion."""

    sample: Any = None
    sample_failed: bool = False  # some native step refuses these rows
    path: tuple[str, ...] = ()
    trace: list[Converted] = field(default_factory=list)
    # What is warned of: with whatever comes of an op, or with every answer.
    warnings: list[tuple[Op | None, str, type[Warning]]] = field(default_factory=list)
    # Whose method, and of what, an op is the answer of.
    origins: dict[Op, tuple[Any, Op, str]] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=lambda: {"torch"})  # that have a say in the answer


_CURRENT: ContextVar[Conversion | None] = ContextVar("sktensor_conversion", default=None)


@contextmanager
def conversion(sample: Any = None) -> Iterator[Conversion]:
    """A conversion: `sample`, some rows of the table, tells what native steps return."""
    current = Conversion(sample)
    token = _CURRENT.set(current)
    try:
        yield current
    finally:
        _CURRENT.reset(token)


def current_conversion() -> Conversion:
    return _CURRENT.get() or Conversion()


def converts(*types: type, sparse: bool = False) -> Callable[[Converter], Converter]:
    """Register the decorated converter for estimators of exactly these types.

    Parameters
    ----------
    *types : type
        Estimator classes. Subclasses are not meant: they may override anything.
    sparse : bool, default=False
        Whether the converter reads a table that is a sparse matrix without making it dense. Where
        it does not, such tables are answered natively.

    Returns
    -------
    callable
        A decorator that returns the converter unchanged. A converter is a function of the fitted
        estimator and the op of its input which returns `Responses`, or raises `Unsupported`.
    """

    def register(converter: Converter) -> Converter:
        _CONVERTERS.update(dict.fromkeys(types, converter))
        if sparse:
            _TAKE_SPARSE.add(converter)
        return converter

    return register


def converter_types() -> tuple[type, ...]:
    """Every estimator class that has a converter, of the libraries loaded so far."""
    return tuple(_CONVERTERS)


def convert(estimator: Any, x: Op, name: str | None = None, *, squeeze: bool = False) -> Responses:
    """What `estimator` answers for the table `x`, natively where it has or finds no converter.

    With `squeeze` it reads the only column as one value a row, which no converter takes.
    """
    current = current_conversion()
    _load_converters_of(type(estimator))
    outer, mark, warned = current.path, len(current.trace), len(current.warnings)
    current.path = (*outer, name) if name else outer
    try:
        if squeeze:
            raise Unsupported("reads one value a row")
        responses = _convert(estimator, x)
        responses = _named(estimator, x, responses)
    except Unsupported as why:
        del current.trace[mark:], current.warnings[warned:]
        responses = _complete(estimator, x, Responses(), str(why), squeeze)
    finally:
        here = "__".join(current.path) or type(estimator).__name__.lower()
        current.path = outer
    for method in METHODS:
        op = getattr(responses, method)
        if op is not None and op is not x:
            current.origins.setdefault(op, (estimator, x, method))
            current.origins.setdefault(unnamed(op), (estimator, x, method))
    contains = type(estimator).__name__ in CONTAINERS
    if not contains or any(isinstance(op, Native) for op in _own(estimator, responses)):
        current.trace.append(Converted(here, estimator, responses, x))
    return responses


def _convert(estimator: Any, x: Op) -> Responses:
    converter = _CONVERTERS.get(type(estimator))
    if converter is None:
        raise Unsupported("no converter")
    if x.stays_sparse and converter not in _TAKE_SPARSE:
        raise Unsupported("sparse input")
    unknown = unknown_parameters(type(estimator))
    if unknown:
        raise Unsupported(f"parameters that are not known: {', '.join(unknown)}")
    if isinstance(estimator, BaseEstimator):
        _check_fitted(estimator)
        _check_copies(estimator)
    responses = converter(estimator, x)
    return _complete(estimator, x, responses, "no converter for {method}")


def _check_fitted(estimator: Any) -> None:
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise Unsupported("not fitted") from error


def _check_copies(estimator: BaseEstimator) -> None:
    """Decline what writes into its rows, which others may read before, or after."""
    params = estimator.get_params(deep=True)
    for name, value in params.items():
        owner, _, last = name.rpartition("__")
        if last == "copy" and value is False:
            writer = type(params.get(owner, estimator)).__name__
            if writer not in COPIES_IN_FIT:
                raise Unsupported(f"{writer}(copy=False) writes into its rows")


def _complete(
    estimator: Any, x: Op, responses: Responses, reason: str, squeeze: bool = False
) -> Responses:
    """`responses` with the methods the estimator has and the converter left out as native ops."""
    ops: dict[str, Any] = {}
    for method in METHODS:
        op = getattr(responses, method)
        if not hasattr(estimator, method):
            op = None
        elif op is None:
            why = responses.reasons.get(method, reason.format(method=method))
            try:
                op = native(estimator, _exactly_as_is(x), method, why, squeeze)
            except Unsupported:
                # Nobody reads more of a step than what it transforms to.
                if responses.transform is None:
                    raise
        ops[method] = op
    return replace(responses, **ops)


def _own(estimator: Any, responses: Responses) -> list[Op]:
    ops = (getattr(responses, method) for method in METHODS)
    return [op for op in ops if isinstance(op, Native) and op.estimator is estimator]


def native(estimator: Any, x: Op, method: str, reason: str, squeeze: bool = False) -> Native:
    """The estimator's own `method` on `x`, handed over as the step before would hand it over."""
    if x.names is not None and not x.on_host:
        raise Unsupported(f"{type(estimator).__name__} reads a DataFrame made on the way")
    if x.sparse and not x.stays_sparse and not isinstance(x, Native):
        x = as_csr(x)
    current = current_conversion()
    ask = None if current.sample is None else (lambda op: _ask(op, current))
    return Native(x, estimator, method, reason, squeeze, ask)


def _exactly(x: Op) -> Op:
    """`x` for somebody to whom each bit may matter: made natively where ours may differ in some."""
    if isinstance(x, Native) or (is_exact(x) and not _made_in_float32(x)):
        return x
    origin = current_conversion().origins.get(x)
    if origin is None and isinstance(x, Select) and _made_in_float32(x):
        raise Unsupported("float32 columns that a native step reads as they lie natively")
    if origin is None or (type(origin[0]).__name__ in CONTAINERS and not _made_in_float32(x)):
        return x.with_inputs(_exactly_as_read)
    estimator, read, method = origin
    why = "what reads it natively may tell a last bit"
    found = native(estimator, _exactly_as_is(read), method, why)
    if found.sample is not None and found.width != x.width:  # SparsePCA makes one row no table
        raise Unsupported(f"{type(estimator).__name__} makes something else of these rows")
    return found


def _exactly_as_is(x: Op) -> Op:
    """The same for a native step, which reads a frame where `x` is one, and else an array."""
    is_frame = x.names is not None or is_table(x)
    return _exactly(x) if is_frame else _exactly_as_read(x)


def _exactly_as_read(x: Op) -> Op:
    """The same for an op, which reads an array where a native step may return a frame."""
    exact = _exactly(x)
    return Numbers(exact, x.dtype) if x.dtype is not None and is_table(exact) else exact


def _made_in_float32(x: Op) -> bool:
    """Whether rows of float32 are ours: how they lie in memory decides on bits of a product."""
    return x.dtype == torch.float32 and not isinstance(x, Input)


def native_step(estimator: Any, x: Op, method: str, reason: str, name: str) -> Native:
    """A native op that the plan lists as a step of its own."""
    current = current_conversion()
    op = native(estimator, x, method, reason)
    here = "__".join((*current.path, name))
    current.trace.append(Converted(here, estimator, Responses(transform=op), x))
    return op


def _ask(op: Native, current: Conversion) -> Any:
    """A native op's result for the sample."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return evaluate(op, current.sample)
    except Exception as error:
        current.sample_failed = True
        name = type(op.estimator).__name__
        raise Unsupported(f"{name}.{op.method} fails on a few rows: {error}") from error


def _named(estimator: Any, x: Op, responses: Responses) -> Responses:
    """Name the columns of `transform` where the estimator returns a DataFrame, and only there."""
    op = responses.transform
    if op is None or isinstance(op, Native) or not _auto_wrap_is_configured(estimator):
        return responses
    if _get_output_config("transform", estimator)["dense"] == "default":
        passes_on = type(estimator).__name__ in PASS_ON
        return responses if passes_on else replace(responses, transform=unnamed(op))
    if op.sparse:
        raise Unsupported("sparse output as a DataFrame")
    asked = estimator
    if NAMES_NOTED in vars(estimator):  # the next answer may have others
        asked = copy(estimator)
        del vars(asked)[NAMES_NOTED]
    try:
        labels = tuple(asked.get_feature_names_out())
    except Exception as error:  # where scikit-learn makes do without names
        raise Unsupported("columns that it has no names for") from error
    keeps_index = signature(x).container == "pandas" or isinstance(x, Named)
    return replace(responses, transform=Named(op, estimator, labels, keeps_index))


def _load_converters_of(cls: type) -> None:
    """Import the converters of the library an estimator comes from, and of no other."""
    library = cls.__module__.partition(".")[0]
    if library in LIBRARIES:
        current_conversion().libraries.add(library)
    if library in OPTIONAL:
        import_module(f"{__package__}.{library}")


def select(x: Op, columns: list[int]) -> Op:
    """Some columns of a table or an array."""
    if columns == list(range(x.width or 0)):
        return x
    if is_table(x):
        return Columns(x, tuple(columns))
    if x.stays_sparse:
        return CsrSelect(x, np.asarray(columns, np.int64))
    return Select(x, np.asarray(columns, np.int64))
