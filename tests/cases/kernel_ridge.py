"""Rows for `sklearn.kernel_ridge`."""

from sklearn.kernel_ridge import KernelRidge

from ..support import Case
from . import data as d

CASES = [
    Case(KernelRidge(), y=d.Y_REAL),
    Case(KernelRidge(kernel="rbf"), y=d.Y_REAL),
    Case(
        KernelRidge(kernel="rbf", gamma=0.3, alpha=0.1),
        y=d.Y_REAL,
        X=d.X + 10,
    ),
    Case(KernelRidge(kernel="rbf"), y=d.Y_OUTPUTS),
    Case(KernelRidge(kernel="poly", degree=2), y=d.Y_REAL),
    Case(KernelRidge(kernel="polynomial", alpha=10), y=d.Y_REAL),
    Case(KernelRidge(kernel="sigmoid", alpha=5), y=d.Y_REAL),
    Case(KernelRidge(kernel="cosine"), y=d.Y_REAL),
    Case(KernelRidge(kernel="laplacian"), y=d.Y_REAL, native=("predict",), reason="another kind"),
    Case(
        KernelRidge(kernel="rbf"),
        X=d.X.astype("float32"),
        y=d.Y_REAL,
        native=("predict",),
        reason="float32",
    ),
    Case(
        KernelRidge(kernel="poly", degree=2.5, gamma=1e-3),
        X=abs(d.X),
        y=d.Y_REAL,
        native=("predict",),
        reason="degree",
    ),
]
