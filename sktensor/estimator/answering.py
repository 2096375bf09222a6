"""The methods that answer, each there if the inner estimator's is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

from sklearn import get_config
from sklearn.utils.metaestimators import available_if

from ..engine import as_array
from .inner import is_estimator, like_inner, plain_score


def _inner_has(method: str) -> Any:
    """A method that is there if the inner estimator's is, or else says what that says."""

    def check(self: Answering) -> bool:
        inner = self._answering
        try:
            getattr(inner, method)
        except AttributeError:
            if is_estimator(inner):
                raise
        return True

    return available_if(check)


class Answering:
    """The response methods of whatever estimator answers."""

    estimator: Any

    @property
    def _answering(self) -> Any:
        """The estimator that answers: the one fitted here, or else the one given."""
        inner = self.__dict__.get("estimator_")
        return self.estimator if inner is None else inner

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        raise NotImplementedError

    @_inner_has("predict")
    def predict(self, X: Any, *args: Any, **params: Any) -> Any:
        """Predict labels or values.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name, such as `return_std=True`.

        Returns
        -------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("predict", X, args, params)

    @_inner_has("predict_proba")
    def predict_proba(self, X: Any, *args: Any, **params: Any) -> Any:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name.

        Returns
        -------
        p : array-like of shape (n_samples, n_classes), or a list of them
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("predict_proba", X, args, params)

    @_inner_has("predict_log_proba")
    def predict_log_proba(self, X: Any, *args: Any, **params: Any) -> Any:
        """Predict the logarithm of each class's probability.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name.

        Returns
        -------
        log_p : array-like of shape (n_samples, n_classes), or a list of them
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("predict_log_proba", X, args, params)

    @_inner_has("decision_function")
    def decision_function(self, X: Any, *args: Any, **params: Any) -> Any:
        """Score each row, per class where there are more than two.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name.

        Returns
        -------
        scores : array-like of shape (n_samples,) or (n_samples, n_classes)
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("decision_function", X, args, params)

    @_inner_has("transform")
    def transform(self, X: Any, *args: Any, **params: Any) -> Any:
        """Transform rows.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to transform.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name, such as `copy=False`.

        Returns
        -------
        X_new : array-like of shape (n_samples, n_features_out)
            What the estimator itself would return, in the container that :meth:`set_output` or
            scikit-learn's `transform_output` asks for; a tensor for a tensor, on its device.
        """
        return self._answer("transform", X, args, params)

    @_inner_has("score_samples")
    def score_samples(self, X: Any, *args: Any, **params: Any) -> Any:
        """Score each row: its log-density, or how little of an outlier it is.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name.

        Returns
        -------
        scores : array-like of shape (n_samples,)
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("score_samples", X, args, params)

    @_inner_has("apply")
    def apply(self, X: Any, *args: Any, **params: Any) -> Any:
        """Find the leaf that each row falls into, of each tree.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            What else the estimator's own method takes; it is then the one that answers.
        **params : dict
            The same by name.

        Returns
        -------
        leaves : array-like of shape (n_samples,) or (n_samples, n_trees)
            What the estimator itself would return; a tensor for a tensor, on its device.
        """
        return self._answer("apply", X, args, params)

    @_inner_has("inverse_transform")
    def inverse_transform(self, X: Any, *args: Any, **params: Any) -> Any:
        """Undo `transform`, natively.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            Transformed rows.
        *args : tuple
            What else the estimator's own method takes.
        **params : dict
            The same by name.

        Returns
        -------
        X_original : array-like of shape (n_samples, n_features)
            What the estimator itself would return.
        """
        return self._answer("inverse_transform", X, args, params)

    @like_inner
    def score(self, X: Any, *args: Any, **params: Any) -> float:
        """Score the predictions, as the estimator scores its own.

        Where that is scikit-learn's accuracy or R² of what `predict` says, the compiled `predict`
        is asked; any other score is the estimator's own method.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            Rows to answer.
        *args : tuple
            The true `y`, where it takes one.
        **params : dict
            More that the estimator's own `score` takes, such as `sample_weight`.

        Returns
        -------
        score : float
            What the estimator itself would return.
        """
        plain = plain_score(self._answering)
        given = len(args) + len(params)
        if plain is None or not given or given > 2 or not {"y", "sample_weight"}.issuperset(params):
            return self._answer("score", X, args, params)
        if "sample_weight" in params and get_config()["enable_metadata_routing"]:
            return self._answer("score", X, args, params)
        asked = SimpleNamespace(predict=lambda X: as_array(self.predict(X)))
        named = {name: as_array(value) for name, value in params.items()}
        return plain(asked, X, *map(as_array, args), **named)

    @_inner_has("get_feature_names_out")
    def get_feature_names_out(self, *args: Any, **params: Any) -> Any:
        """Name the columns that `transform` returns.

        Parameters
        ----------
        *args : tuple
            `input_features`, the names of the columns it reads, where they are not known.
        **params : dict
            The same by name.

        Returns
        -------
        feature_names_out : ndarray of str objects
            The names.
        """
        return self._answering.get_feature_names_out(*args, **params)

    @_inner_has("set_output")
    def set_output(self, *, transform: str | None = None) -> Self:
        """Set the container that `transform` and `fit_transform` return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container; None leaves it as it is.

        Returns
        -------
        self : TensorAccelerated
            Itself, its inner estimator set.
        """
        self.estimator.set_output(transform=transform)
        if self._answering is not self.estimator:
            self._answering.set_output(transform=transform)
        return self

    @_inner_has("__getitem__")
    def __getitem__(self, key: Any) -> Any:
        return self._answering[key]
