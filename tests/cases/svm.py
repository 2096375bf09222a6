"""Rows for `sklearn.svm`."""

from sklearn.svm import LinearSVC, LinearSVR

from ..support import Case
from . import data as d

CASES = [
    Case(LinearSVC(), y=d.Y_LABELS),
    Case(LinearSVC(), y=d.Y_MULTI, probe=d.X * 1e6),
    Case(LinearSVC(multi_class="crammer_singer", fit_intercept=False), y=d.Y_TEXT),
    Case(LinearSVR(), y=d.Y_REAL),
    Case(LinearSVR(fit_intercept=False, loss="squared_epsilon_insensitive"), y=d.Y_REAL),
]
