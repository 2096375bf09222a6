"""Rows for `sklearn.neural_network`."""

from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

from ..support import Case
from . import data as d

LIKELIHOOD = {"native": ("score_samples",), "reason": "at random"}


def network(kind, **params):
    return kind(hidden_layer_sizes=(8, 5), max_iter=30, random_state=0, **params)


CASES = [
    *(
        Case(network(kind, activation=activation), y=y)
        for activation in ("identity", "logistic", "tanh", "relu")
        for kind, y in ((MLPClassifier, d.Y_TEXT), (MLPRegressor, d.Y_REAL))
    ),
    Case(network(MLPClassifier), y=d.Y_LABELS, probe=d.X * 100),
    Case(network(MLPClassifier), y=(d.Y_OUTPUTS > 0.5).astype(int)),
    Case(network(MLPRegressor), y=d.Y_OUTPUTS),
    Case(MLPRegressor(hidden_layer_sizes=(), max_iter=30, random_state=0), y=d.Y_REAL),
    *(
        Case(network(MLPRegressor, loss="poisson"), y=d.Y_POSITIVE, probe=d.X * 1e4)
        for _ in range("loss" in MLPRegressor().get_params())
    ),
    *(
        Case(BernoulliRBM(4, n_iter=3, random_state=0), (d.X > 1) * 1.0, probe=probe, **LIKELIHOOD)
        for probe in (d.X * 1e6, d.X > 0, (d.X * 10).astype(int))
    ),
    Case(BernoulliRBM(1, n_iter=2, random_state=0), **LIKELIHOOD),
]
