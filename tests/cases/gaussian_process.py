"""Rows for `sklearn.gaussian_process`."""

from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process._gpc import _BinaryGaussianProcessClassifierLaplace
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)

from ..support import Case
from . import data as d


def _case(kernel, y=d.Y_REAL, **facts):
    process = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None)
    return Case(process, y=y, **facts)


NATIVE = {"native": ("predict",)}
NOISY = GaussianProcessRegressor(RBF() + WhiteKernel(), normalize_y=True, random_state=0)
CASES = [
    _case(None),
    _case(ConstantKernel(2.5) * RBF(3.0) + WhiteKernel(0.3)),
    _case(WhiteKernel() + RBF([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) * ConstantKernel(0.2), d.Y_OUTPUTS),
    _case(Matern(2.0)),
    _case(3 * Matern([2.0, 1.0, 3.0, 1.0, 1.0, 5.0], nu=2.5), probe=d.X[:9] + 1e-9),
    _case(Matern(2.0, nu=float("inf"))),
    _case(RationalQuadratic(1.5, 0.7)),
    _case(RationalQuadratic(1.5, 2) * 0.5 + 2 * (RBF(3.0) + Matern(4.0)) + WhiteKernel()),
    Case(NOISY, y=d.Y_REAL),
    Case(NOISY, X=d.X + 100, y=d.Y_OUTPUTS),
    _case(Matern(2.0, nu=0.5), **NATIVE, reason="not smooth"),
    _case(Matern(2.0, nu=1.7), **NATIVE, reason="Bessel"),
    _case(RBF() * RBF(2.0), **NATIVE, reason="another kind"),
    _case(DotProduct(), **NATIVE, reason="another kind"),
    _case(WhiteKernel(), **NATIVE, reason="no vectors"),
    Case(
        GaussianProcessRegressor(RBF(20.0), optimizer=None, alpha=1e-8),
        y=d.Y_REAL,
        **NATIVE,
        reason="terms cancel",
    ),
]


def _classes(kernel, y=d.Y_LABELS, **facts):
    mode = facts.pop("multi_class", "one_vs_rest")
    process = GaussianProcessClassifier(kernel, optimizer=None, multi_class=mode)
    return Case(process, facts.pop("X", d.X), y, **facts)


ALL = {"native": ("predict", "predict_proba")}
CASES += [
    _classes(None, probe=(d.X * 10).astype(int)),
    _classes(9.0 * RBF([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), d.Y_LABELS.astype("U9"), X=d.X + 100),
    _classes(Matern(2.0) + WhiteKernel(0.3), d.Y_BINARY > 0, probe=d.X[:9] + 1e-9),
    _classes(RationalQuadratic(1.5, 0.7) * 2.0, d.Y_TEXT),
    _classes(4.0 * Matern(3.0, nu=2.5), d.Y_MULTI * 3.0, probe=d.X * 1e3),  # far from all
    _classes(
        4.0 * RBF(2.0),
        d.Y_TEXT,
        multi_class="one_vs_one",
        native=("predict_proba",),
        reason="one class against another",
    ),
    Case(GaussianProcessClassifier(RBF(2.0), random_state=0), y=d.Y_BINARY),
    Case(
        _BinaryGaussianProcessClassifierLaplace(1.0 * RBF(2.0), optimizer=None),
        y=d.Y_LABELS,
        frame=False,
    ),
    _classes(1e14 * RBF(9.0), native=("predict_proba",), reason="digits"),
    _classes(Matern(2.0, nu=0.5), **ALL, reason="not smooth"),
    _classes(DotProduct(), **ALL, reason="another kind"),
    _classes(WhiteKernel() + WhiteKernel(), **ALL, reason="no vectors"),
    _classes(2.0 * RBF(3.0) + Matern([3.0] * 6), d.Y_MULTI, X=d.X.astype("f")),
    _case(RBF(0.7) + RationalQuadratic(1.5), X=d.X.astype("f"), probe=d.X),
    Case(NOISY, X=d.X.astype("f"), y=d.Y_OUTPUTS),
]
