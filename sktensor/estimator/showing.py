"""The methods that show what was compiled, and prove that it answers the same."""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import NotFittedError

from ..engine import Engine, as_rows
from ..parity import Parity, verify
from ..plan import Plan


class Showing:
    """What can be asked of the programs besides answers."""

    def _engine(self) -> Engine | None:
        raise NotImplementedError

    def _not_fitted(self, error: Exception | None = None) -> NotFittedError:
        raise NotImplementedError

    def _compiling(self) -> Engine:
        """What answers, or NotFittedError. It looks for cards, so `dir` must not come by it."""
        engine = self._engine()
        if engine is None:
            raise self._not_fitted()
        return engine

    def explain(self, method: Any = None, *, X: Any = None) -> Plan:
        """Tell what is compiled, what runs natively, and why.

        Parameters
        ----------
        method : str, default=None
            The response method asked about; None for all of them. Rows in its place are `X`.

        X : array-like or torch.Tensor of shape (n_samples, n_features), default=None
            Rows to measure: every response method is compiled for them and timed stage by stage,
            beside the native one.

        Returns
        -------
        plan : Plan
            Its steps, for input like the last that was answered. `str(plan)` is a table; with `X`,
            so are its `timings` and `stages`.

        Raises
        ------
        AttributeError
            If the estimator has no such response method.
        """
        if X is None and method is not None and not isinstance(method, str):
            method, X = None, method
        engine = self._compiling()
        plan = engine.plan(method) if X is None else engine.measured_plan(as_rows(X))
        return plan if X is None or method is None else plan.only(method)

    def verify(self, X: Any, *, n_rows: int = 10_000, random_state: int | None = 0) -> Parity:
        """Compare every compiled answer with the native one.

        They are compared on rows of `X`, and on rows made of these: for thresholds of forests and
        edges of bins, the floats next to them on both sides; every category, one never seen, None;
        NaN, infinities and both zeros. Some are asked about one at a time. Rows that the native
        method refuses must be refused in the same words. A boundary is found where what lies
        between the column and the threshold works column by column, as scalers and encoders do.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows such as those to be answered, say those that were held out.

        n_rows : int, default=10000
            How many rows are compared at most, of each kind: more are sampled. This bounds time
            and memory, so that a service can verify what it has loaded.

        random_state : int, default=0
            Seeds the samples. None draws others each time.

        Returns
        -------
        parity : Parity
            What was compared, as a table; false if any answer is outside tolerance.

        Raises
        ------
        ValueError
            If `X` has no rows, or if the native method refuses them.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from sktensor import TensorAccelerated
        >>> X, y = load_iris(return_X_y=True)
        >>> fast = TensorAccelerated(DecisionTreeClassifier().fit(X, y), device="cpu")
        >>> bool(fast.verify(X))
        True
        """
        return verify(self._compiling(), as_rows(X), n_rows, random_state)
