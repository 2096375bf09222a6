"""Converters for `sklearn.kernel_approximation`."""

from sklearn.kernel_approximation import Nystroem

from .kernels import CANCELLED, kernel_sums
from .registry import Responses, Unsupported, converts
from .validation import validate


@converts(Nystroem)
def nystroem(est, x):
    if est.kernel_params is not None:
        raise Unsupported("parameters for a kernel of another kind")
    f = kernel_sums(
        est.kernel,
        validate(est, x, "numeric"),
        est.components_,
        est.normalization_.T,
        0.0,
        gamma=est.gamma,
        coef0=1.0 if est.coef0 is None else est.coef0,
        degree=3.0 if est.degree is None else est.degree,
    )
    return Responses(transform=f.values, reasons={"transform": CANCELLED})
