"""The methods that keep what was compiled: in memory, as a module, and as a file."""

from __future__ import annotations

import warnings
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import numpy as np
from torch import nn

from ..converters import METHODS, Unsupported
from ..engine import Engine, as_rows
from ..export import EXPORTED, NumericStage, export, needed, numeric
from ..versions import quietly

# What the state of a pickled instance is made of. It changes when an older one must be read apart.
STATE = 1
STATE_NAME = "_sktensor_state"


class Keeping:
    """What can be done with the programs besides answering."""

    def _compiling(self) -> Engine:
        raise NotImplementedError

    def compile(self, X: Any = None) -> Self:
        """Compile every response method now instead of at the first answer.

        A service calls it before it takes requests. The kernels are compiled too. With
        `device="auto"` on a machine with a card, both the card's and the CPU's are.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features), default=None
            A few rows such as those to be answered: container, dtypes and column names decide what
            is compiled. None stands for an array of float64, which fits no estimator that was
            fitted on column names.

        Returns
        -------
        self : TensorAccelerated
            Itself.

        Raises
        ------
        ValueError
            If rows are needed and none are given, or if the native method refuses them.
        """
        engine = self._compiling()
        if X is None:
            if getattr(engine.estimator, "feature_names_in_", None) is not None:
                raise ValueError("compile needs some rows of the kind that will be answered")
            X = np.zeros((1, getattr(engine.estimator, "n_features_in_", 1)))
        rows = as_rows(X)
        with quietly():  # of rows that nobody asked about
            for method in METHODS:
                if hasattr(engine.estimator, method):
                    engine.warm(method, rows)
        return self

    def module(self, method: str = "predict", X: Any = None) -> nn.Module:
        """Hand out the compiled numeric stage of one response method as a module of torch.

        It is a tensor in and a tensor out, to embed in a larger graph: the columns of the table as
        one tensor of shape (n_samples, n_features), in their order. It goes through `torch.compile`
        and `torch.export`, and to a device by `.to`. It looks at no values: what the native method
        would refuse, such as NaN, is computed with, and a tie is decided as rounding has it. Labels
        that are no numbers, or of several outputs, come as their positions in `classes_`.

        Parameters
        ----------
        method : str, default="predict"
            The response method.

        X : array-like of shape (n_samples, n_features), default=None
            A few rows of the kind that the module stands for. None stands for those answered last,
            and before that for numbers in float64.

        Returns
        -------
        module : torch.nn.Module
            With the constants as buffers, and no parameters.

        Raises
        ------
        Unsupported
            If a step runs natively, or on the host, as the lookup of strings does.
        AttributeError
            If the estimator has no such response method.
        """
        roots, _ = self._compiling().numeric_roots(as_rows(X), (method,))
        return NumericStage(numeric(roots))

    def export(self, path: Any, X: Any = None) -> Path:
        """Write the compiled estimator as a program that runs with torch alone.

        These are `predict` and `predict_proba`, and `transform` and `decision_function` as far as
        they are compiled. Beside the program (`.pt2`) lies a page of JSON (`.json`): which columns
        it reads, in which dtypes, the categories of those that are looked up, the labels, and a
        checksum of both. There is no pickle in either. :func:`sktensor.load_exported` answers from
        them without scikit-learn. `torch.export.load` loads the program by itself from torch 2.9
        on; up to 2.8 torch itself keeps tensors as pickles, so an `.npz` holds them there, which
        only `load_exported` reads.

        Parameters
        ----------
        path : str or path
            Where to write the `.pt2` file.

        X : array-like of shape (n_samples, n_features), default=None
            A few rows of the kind that will be answered. None stands for those answered last, and
            before that for numbers in float64.

        Returns
        -------
        path : pathlib.Path
            The `.pt2` file.

        Raises
        ------
        Unsupported
            If a step of `predict` or `predict_proba` (of `transform`, where there is neither) runs
            natively, or does on the host what JSON cannot say. Estimators whose trees, or bins,
            read logarithms and the like are among them, since torch rounds those in another way.
        """
        engine = self._compiling()
        roots, signature = engine.numeric_roots(as_rows(X), needed(engine.estimator))
        for method in EXPORTED:
            if method not in roots and hasattr(engine.estimator, method):
                with suppress(Unsupported):
                    more, _ = engine.numeric_roots(as_rows(X), (method,))
                    numeric(more)
                    roots |= more
        return export(roots, signature, engine.estimator, path, _version())

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())  # type: ignore[call-overload]
        return {**state, STATE_NAME: STATE}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        written = state.pop(STATE_NAME, STATE)
        if written > STATE:
            warnings.warn(
                f"this {type(self).__name__} was pickled by a newer release of sktensor (state "
                f"{written}, and this one reads {STATE})",
                UserWarning,
                stacklevel=2,
            )
        parent: Any = super()
        if hasattr(parent, "__setstate__"):
            parent.__setstate__(state)
        else:
            self.__dict__.update(state)


def _version() -> str:
    try:
        return version("sktensor")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0+unknown"
