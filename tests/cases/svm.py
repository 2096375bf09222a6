"""Rows for `sklearn.svm`."""

from sklearn.metrics.pairwise import linear_kernel
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

from ..support import Case
from . import data as d

CASES = [
    Case(LinearSVC(), y=d.Y_LABELS),
    Case(LinearSVC(), y=d.Y_MULTI, probe=d.X * 1e6),
    Case(LinearSVC(multi_class="crammer_singer", fit_intercept=False), y=d.Y_TEXT),
    Case(LinearSVR(), y=d.Y_REAL),
    Case(LinearSVR(fit_intercept=False, loss="squared_epsilon_insensitive"), y=d.Y_REAL),
    Case(SVC(), y=d.Y_LABELS),
    Case(SVC(C=100), y=d.Y_TEXT),
    Case(SVC(gamma="auto", decision_function_shape="ovo"), y=d.Y_MULTI),
    Case(SVC(break_ties=True, gamma=0.01), y=d.Y_MULTI),
    Case(SVC(kernel="linear"), y=d.Y_LABELS),
    Case(SVC(kernel="linear", class_weight="balanced"), y=d.Y_TEXT),
    Case(SVC(kernel="poly", degree=1), y=d.Y_BINARY),
    Case(SVC(kernel="poly", degree=2, coef0=1), y=d.Y_TEXT),
    Case(SVC(kernel="poly"), y=d.Y_LABELS),
    Case(SVC(kernel="sigmoid", coef0=0.5), y=d.Y_BINARY),
    Case(SVC(kernel="sigmoid"), y=d.Y_MULTI),
    Case(
        SVC(kernel="poly", degree=0),
        y=d.Y_BINARY,
        native=("predict", "decision_function"),
        reason="degree",
    ),
    Case(
        SVC(kernel=linear_kernel),
        y=d.Y_BINARY,
        native=("predict", "decision_function"),
        reason="a function",
    ),
    Case(SVC(), y=d.Y_LABELS, probe=d.X * 1e6),
    Case(SVC(), y=d.Y_LABELS, probe=d.X * 1e-6),
    Case(SVC(probability=True, random_state=0), y=d.Y_LABELS),
    Case(SVC(probability=True, random_state=0, kernel="linear"), y=d.Y_MULTI),
    Case(SVC(probability=True, random_state=0, C=10), y=d.Y_TEXT),
    Case(NuSVC(nu=0.1, probability=True, random_state=0), y=d.Y_MULTI),
    Case(NuSVC(nu=0.1), y=d.Y_LABELS),
    Case(NuSVC(nu=0.1, kernel="poly"), y=d.Y_MULTI),
    Case(SVR(), y=d.Y_REAL),
    Case(SVR(kernel="linear"), y=d.Y_REAL),
    Case(SVR(kernel="poly", degree=2, epsilon=0.01), y=d.Y_REAL),
    Case(SVR(kernel="sigmoid", C=0.1), y=d.Y_REAL),
    Case(SVR(C=10), y=d.Y_REAL, X=d.X * 1000 + 1e5),
    Case(NuSVR(), y=d.Y_REAL),
    Case(OneClassSVM()),
    Case(OneClassSVM(kernel="linear", nu=0.2), X=d.X + 4),
    Case(
        OneClassSVM(kernel="linear", nu=0.2),  # the sum of what it is made of is next to nothing
        native=("decision_function", "score_samples"),
        reason="terms cancel",
    ),
    Case(OneClassSVM(kernel="poly", gamma=0.1, coef0=1)),
    Case(OneClassSVM(kernel="sigmoid", nu=0.2)),
]
