"""Rows for `sklearn.neural_network`."""

from sklearn.neural_network import MLPClassifier, MLPRegressor

from ..support import Case
from . import data as d


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
]
