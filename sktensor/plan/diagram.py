"""scikit-learn's diagram of an estimator, each step marked as compiled or native."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion
from sklearn.utils import estimator_html_repr

from ..converters.registry import is_pipeline

# Characters that no class has in its name, and no HTML escapes.
MARKS = {"torch": "\u2997torch\u2998", "native": "\u2997native\u2998"}
COLOURS = {"torch": "#2a7", "native": "#c50"}
BADGE = (
    '<span class="sktensor-{0}" style="background:{1};color:#fff;border-radius:0.6em;'
    'padding:0 0.5em;margin-left:0.5em;font-size:0.8em">{0}</span>'
)


def diagram(estimator: Any, steps: Iterable[Any]) -> str:
    """The diagram as HTML; empty where scikit-learn cannot draw it."""
    backends = {s.name: s.backend for s in steps}
    try:
        html = estimator_html_repr(_marked(estimator, (), backends))
    except Exception:  # what somebody's own estimator says of itself may fail
        return ""
    for backend, mark in MARKS.items():
        badge = BADGE.format(backend, COLOURS[backend])
        for end in ("</div>", "</label>"):  # of a name; other places repeat it
            html = html.replace(mark + end, badge + end)
        html = html.replace(mark, "")
    return html


def _marked(estimator: Any, path: tuple[str, ...], backends: dict[str, str]) -> Any:
    """The estimator with steps that say in their class's name what answers for them."""
    here = "__".join(path) or type(estimator).__name__.lower()
    if estimator is None or isinstance(estimator, str):
        return estimator

    def step(name: str, inner: Any) -> Any:
        return _marked(inner, (*path, name), backends)

    if here not in backends:
        if is_pipeline(estimator):
            return _drawn(type(estimator), [(n, step(n, e)) for n, e in estimator.steps])
        if type(estimator) is FeatureUnion:
            return _drawn(FeatureUnion, [(n, step(n, e)) for n, e in estimator.transformer_list])
        if type(estimator) is ColumnTransformer:
            parts = [(n, step(n, e), c) for n, e, c in estimator.transformers_]
            return _drawn(ColumnTransformer, [part for part in parts if part[1] != "drop"])
    name = type(estimator).__name__ + MARKS.get(backends.get(here, ""), "")
    return type(name, (_StandIn,), {})(estimator)


def _drawn(container: type, steps: list[Any]) -> Any:
    """A container of stand-ins, which is drawn as one that is fitted."""
    fitted = {"__sklearn_is_fitted__": lambda self: True, "_get_doc_link": lambda self: ""}
    return type(container.__name__, (container,), fitted)(steps)


class _StandIn(BaseEstimator):
    """What is drawn for an estimator; the class is named after that of the estimator."""

    def __init__(self, shown: Any):
        self.shown = shown

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def fit(self, X: Any, y: Any = None) -> _StandIn:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return repr(self.shown)

    def _get_doc_link(self) -> str:
        return self.shown._get_doc_link() if hasattr(self.shown, "_get_doc_link") else ""

    def _get_params_html(self, *args: Any, **params: Any) -> Any:
        return self.shown._get_params_html(*args, **params)

    def _get_fitted_attr_html(self, *args: Any, **params: Any) -> Any:
        return self.shown._get_fitted_attr_html(*args, **params)
