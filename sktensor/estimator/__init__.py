"""TensorAccelerated: the scikit-learn face of the compiler."""

from __future__ import annotations

import os
import threading
import warnings
from copy import deepcopy
from functools import wraps
from numbers import Integral
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, process_routing

from .. import devices
from ..converters import Unsupported
from ..engine import Engine, as_array, as_rows, in_kind, natively
from .answering import Answering
from .inner import (
    ROUTED,
    check_estimator,
    is_fitted,
    is_parameter,
    like_inner,
    router,
    unfitted_steps,
)
from .keeping import Keeping
from .showing import Showing

# Programs are no state of an estimator: they are left out of its __dict__, of copies and of
# pickles, and go when it goes.
_ENGINES: WeakKeyDictionary[TensorAccelerated, Engine] = WeakKeyDictionary()
# Those on a card that a forked child has of its parent. It neither uses nor frees them, since that
# would ask a driver that does not answer here.
_LEFT_ALONE: list[Engine] = []
# The device that an instance was told it has to do without.
_WARNED: WeakKeyDictionary[TensorAccelerated, torch.device] = WeakKeyDictionary()
_lock = threading.Lock()

# What is never looked up in the inner estimator, so that half-made copies do not recurse.
OWN = ("estimator", "estimator_", "device", "fallback", "batch_size")


class TensorAccelerated(Answering, Showing, Keeping, MetaEstimatorMixin, BaseEstimator):
    """Answer with torch what a scikit-learn estimator would answer.

    The response methods of the estimator are compiled into one torch graph. What cannot be
    compiled, a step or a whole estimator, is answered by the estimator itself. Labels are equal to
    the native ones and numbers agree to rounding; containers, dtypes, column names, warnings and
    errors are the native ones.

    Every method and fitted attribute of the inner estimator is there, and no other: besides the
    response methods for instance `kneighbors`, `staged_predict`, `named_steps` or `coef_`.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn compatible estimator. One that is fitted answers at once. One that is not
        is cloned by :meth:`fit`, and left as it is. To keep a fit through
        :func:`sklearn.base.clone`, wrap it in a :class:`~sklearn.frozen.FrozenEstimator`.

    device : str or torch.device, default="auto"
        Where to compute: `"cpu"`, `"cuda"`, `"cuda:1"`, `"mps"`, `"xpu"`, or `"auto"` for a CUDA
        card where there is one that torch can run on and the rows are worth it (:meth:`explain`
        says from how many on, the variable SKTENSOR_CROSSOVER overrules it), and else the CPU.
        Tensors on a card are answered there, or are a ValueError where another device is named.
        Where the device that is named is missing, one warning says so and the CPU answers. The
        device is looked for at the first answer, never when an instance is made or loaded.

    fallback : {"native", "raise"}, default="native"
        What becomes of an answer that needs the estimator's own methods for some step: `"native"`
        calls them; `"raise"` raises :class:`Unsupported`, which names every such step and why. A
        missing device is then an error too.

    batch_size : int, default=None
        Rows that are computed together. None chooses: few enough for the processor's cache, or for
        the memory of a card.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of `estimator`, after :meth:`fit`. Until then `estimator` itself answers.

    See Also
    --------
    sklearn.frozen.FrozenEstimator : Keeps an estimator fitted when it is cloned.

    Notes
    -----
    Compiled programs are made at the first answer, per method and kind of input. They are no part
    of the estimator's state: copies and pickles go without. Fitting again, setting parameters or
    changing the inner estimator drops them. One instance may be called from many threads.

    With metadata routing enabled this is a router, as every meta-estimator: what `fit` and others
    are given besides `X` and `y` goes where the inner estimator requests it, as told by
    `set_fit_request` and its like, on the inner estimator or here.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sktensor import TensorAccelerated
    >>> X, y = load_iris(return_X_y=True)
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> fast = TensorAccelerated(pipe, device="cpu")
    >>> fast.predict(X[:3])
    array([0, 0, 0])
    >>> bool((fast.predict(X) == pipe.predict(X)).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "fallback": [StrOptions({"native", "raise"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        device: Any = "auto",
        fallback: str = "native",
        batch_size: int | None = None,
    ):
        self.estimator = estimator
        self.device = device
        self.fallback = fallback
        self.batch_size = batch_size

    @like_inner
    def fit(self, X: Any, *args: Any, **params: Any) -> TensorAccelerated:
        """Fit a clone of the estimator, as it fits natively.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What the estimator's own `fit` takes.
        *args : tuple
            The target `y`, where `fit` takes one, and what else it takes.
        **params : dict
            More that `fit` takes, such as `sample_weight`.

        Returns
        -------
        self : TensorAccelerated
            Fitted.
        """
        inner = self._new_inner()
        inner.fit(as_array(X), *map(as_array, args), **self._routed("fit", params))
        return self._adopt(inner)

    @like_inner
    def partial_fit(self, X: Any, *args: Any, **params: Any) -> TensorAccelerated:
        """Fit on some more rows.

        The first call clones the estimator, or copies it with what it has learned if it is fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What the estimator's own `partial_fit` takes.
        *args : tuple
            The target `y`, and what else it takes.
        **params : dict
            More that it takes, such as `classes`.

        Returns
        -------
        self : TensorAccelerated
            Fitted.
        """
        inner = self.__dict__.get("estimator_")
        if inner is None:
            inner = deepcopy(self.estimator) if is_fitted(self.estimator) else self._new_inner()
        params = self._routed("partial_fit", params)
        inner.partial_fit(as_array(X), *map(as_array, args), **params)
        return self._adopt(inner)

    @like_inner
    def fit_transform(self, X: Any, *args: Any, **params: Any) -> Any:
        """Fit a clone of the estimator and transform the same rows, natively.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to fit and transform.
        *args : tuple
            The target `y`, where it takes one.
        **params : dict
            More that the estimator's own `fit_transform` takes.

        Returns
        -------
        X_new : array-like of shape (n_samples, n_features_out)
            The transformed rows.
        """
        inner = self._new_inner()
        params = self._routed("fit_transform", params)
        rows = as_rows(X)
        answer = natively(inner, "fit_transform", rows, *map(as_array, args), **params)
        self._adopt(inner)
        return answer if rows is X else in_kind(answer, X)

    @like_inner
    def fit_predict(self, X: Any, *args: Any, **params: Any) -> Any:
        """Fit a clone of the estimator and answer for the same rows, natively.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to fit and answer.
        *args : tuple
            The target `y`, where it takes one.
        **params : dict
            More that the estimator's own `fit_predict` takes.

        Returns
        -------
        labels : array-like of shape (n_samples,)
            What it says of each row.
        """
        inner = self._new_inner()
        params = self._routed("fit_predict", params)
        rows = as_rows(X)
        answer = natively(inner, "fit_predict", rows, *map(as_array, args), **params)
        self._adopt(inner)
        return answer if rows is X else in_kind(answer, X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Tell scikit-learn where metadata goes: to the inner estimator's method of the same name.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn's metadata routing asks every meta-estimator for.
        """
        return router(type(self).__name__, self.estimator)

    def __getattr__(self, name: str) -> Any:
        private = name[:1] == "_" and name != "_estimator_type"
        if private or name in OWN or hasattr(type(self), name):
            return object.__getattribute__(self, name)  # and so say what is missing, and why
        if name[-1:] != "_" and is_parameter(self.estimator, name):
            raise AttributeError(
                f"{name!r} is a parameter of the inner estimator: read `estimator.{name}`, "
                f"set `estimator__{name}`"
            )
        if name[:4] == "set_" and name[-8:] == "_request":
            return self._passing_on(getattr(self.estimator, name))
        return getattr(self._answering, name)

    def _passing_on(self, request: Any) -> Any:
        """A `set_..._request` of the inner estimator that returns this one."""

        @wraps(request)
        def set_request(**requests: Any) -> TensorAccelerated:
            request(**requests)
            return self

        return set_request

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in self.__dict__ or is_fitted(self.estimator)

    def __sklearn_tags__(self) -> Any:
        return deepcopy(get_tags(self.estimator))

    def _new_inner(self) -> Any:
        """A clone to fit."""
        self._named_device()
        return clone(self.estimator)

    def _adopt(self, inner: Any) -> TensorAccelerated:
        self.estimator_ = inner
        _ENGINES.pop(self, None)
        return self

    def _routed(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """What the inner method is to be given, by name."""
        params = {name: as_array(value) for name, value in params.items()}
        if not params or method not in ROUTED or not get_config()["enable_metadata_routing"]:
            return params
        targets = {name: params.pop(name) for name in ("y", "Y") if name in params}
        return targets | process_routing(self, method, **params).estimator[method]

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        engine = self._engine()
        if engine is None:
            return self._answer_unfitted(method, X, args, params)
        rows = as_rows(X)
        try:
            if args or params:
                params = self._routed(method, params)
                answer = engine.answer_with(method, rows, *map(as_array, args), **params)
            else:
                answer = engine.answer(method, rows)
        except NotFittedError as error:
            raise self._not_fitted(error) from error
        return answer if rows is X else in_kind(answer, X)

    def _answer_unfitted(self, method: str, X: Any, args: Any, params: Any) -> Any:
        """What an estimator that seems not to be fitted says: some need no fitting."""
        params, rows = self._routed(method, params), as_rows(X)
        try:
            answer = natively(self._answering, method, rows, *map(as_array, args), **params)
        except (NotFittedError, AttributeError) as error:
            raise self._not_fitted() from error
        return answer if rows is X else in_kind(answer, X)

    def _not_fitted(self, error: Exception | None = None) -> NotFittedError:
        """The error that says which steps are not fitted, where only some are."""
        said = error or (
            f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate "
            "arguments before using this estimator."
        )
        steps = ", ".join(unfitted_steps(self._answering))
        return NotFittedError(f"{said} Not fitted: {steps}." if steps else str(said))

    def _engine(self) -> Engine | None:
        """What answers; None where there is nothing fitted."""
        inner, engine = self._answering, _ENGINES.get(self)
        asked = (self.device, self.fallback, self.batch_size)
        if engine is not None and engine.is_current(inner, asked):
            return engine
        with _lock:
            engine = _ENGINES.get(self)
            if engine is None or not engine.is_current(inner, asked):
                device = self._device()
                if "estimator_" not in self.__dict__ and not is_fitted(inner):
                    return None
                engine = Engine(inner, device, self.fallback, self.batch_size, asked)
                _ENGINES[self] = engine
        return engine

    def _named_device(self) -> torch.device | None:
        """The device asked for, None for "auto", after all parameters were found valid."""
        check_estimator(self.estimator)
        self._validate_params()
        if isinstance(self.device, str | torch.device):
            try:
                return devices.parse(self.device)
            except ValueError:
                pass
        raise InvalidParameterError(
            f"The 'device' parameter of {type(self).__name__} must be 'auto', 'cpu', 'cuda', "
            f"'cuda:1', 'mps', 'xpu' or a torch.device. Got {self.device!r} instead."
        )

    def _device(self) -> torch.device:
        """The device that there is."""
        named = self._named_device()
        if named is None:
            return devices.best()
        why = devices.why_missing(named)
        if not why:
            return devices.settled(named)
        if self.fallback == "raise":
            raise Unsupported(f"device={str(named)!r} is not there: {why}")
        if _WARNED.get(self) != named:
            _WARNED[self] = named
            message = f"device={str(named)!r} is not there ({why}): the CPU answers instead."
            warnings.warn(message, UserWarning, stacklevel=5)
        return devices.CPU


def _forked() -> None:
    """A forked child keeps the programs, but not the locks, and no card that its parent uses."""
    global _lock
    _lock = threading.Lock()
    for estimator, engine in list(_ENGINES.items()):
        if engine.device.type == "cpu":
            engine.forked()
        else:
            _LEFT_ALONE.append(_ENGINES.pop(estimator))


os.register_at_fork(after_in_child=_forked)
