"""Converters for `sklearn.svm`: what is linear."""

from sklearn.svm import LinearSVC, LinearSVR

from .linear import linear_classifier, linear_function
from .registry import converts
from .responses import regressor


@converts(LinearSVC, sparse=True)
def linear_svc(est, x):
    return linear_classifier(est, linear_function(est, x))


@converts(LinearSVR, sparse=True)
def linear_svr(est, x):
    return regressor(linear_function(est, x).result)
