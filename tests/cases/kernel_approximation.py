"""Rows for `sklearn.kernel_approximation`."""

from sklearn.kernel_approximation import Nystroem

from ..support import Case

CASES = [
    Case(Nystroem(n_components=20, random_state=0)),
    Case(Nystroem(n_components=20, gamma=0.2, random_state=0)),
    Case(Nystroem(kernel="poly", n_components=5, degree=2, random_state=0)),
    Case(
        Nystroem(kernel="sigmoid", coef0=0.5, gamma=1e-2, n_components=5, random_state=0),
    ),
    Case(Nystroem(kernel="cosine", n_components=6, random_state=0)),
    Case(
        Nystroem(kernel="laplacian", n_components=20, random_state=0),
        native=("transform",),
        reason="another kind",
    ),
    Case(
        Nystroem(kernel="rbf", kernel_params={"gamma": 0.1}, n_components=20, random_state=0),
        native=("transform",),
        reason="parameters",
    ),
]
