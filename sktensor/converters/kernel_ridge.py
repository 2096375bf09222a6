"""Converters for `sklearn.kernel_ridge`."""

from sklearn.kernel_ridge import KernelRidge

from ..ops import Column
from .kernels import CANCELLED, kernel_sums
from .registry import Responses, converts
from .validation import validate


@converts(KernelRidge)
def kernel_ridge(est, x):
    weight = est.dual_coef_
    f = kernel_sums(
        est.kernel,
        validate(est, x, "numeric"),
        est.X_fit_,
        weight if weight.ndim == 2 else weight[:, None],
        0.0,
        gamma=est.gamma,
        coef0=est.coef0,
        degree=est.degree,
    )
    predict = Column(f.values, 0) if f.values is not None and weight.ndim == 1 else f.values
    return Responses(predict=predict, reasons={"predict": CANCELLED})
