"""Rows for `sklearn.discriminant_analysis`."""

import numpy as np
from sklearn.covariance import ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as LDA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis as QDA

from ..support import Case
from . import data as d

HAS_SOLVERS = "solver" in QDA().get_params()
CONSTANT = np.column_stack([d.X, np.ones(d.N)])
SCORES = ("predict", "predict_proba", "predict_log_proba", "decision_function")
FAR = d.X * [1e-6, 1e-3, 1.0, 1e2, 1e3, 1e6] + [1.0, 0.0, 50.0, 1e4, -1e4, 0.0]

CASES = [
    *(Case(LDA(), y=y) for y in (d.Y_LABELS, d.Y_MULTI, d.Y_TEXT)),
    Case(LDA(n_components=1, solver="eigen", shrinkage="auto"), y=d.Y_MULTI, probe=d.X * 1e3),
    Case(LDA(solver="eigen"), y=d.Y_BINARY, probe=d.X * 30),
    Case(
        LDA(solver="lsqr", shrinkage=0.3, priors=[0.1, 0.2, 0.3, 0.4]),
        y=d.Y_TEXT,
        native=("transform",),
        reason="lsqr",
    ),
    *(Case(QDA(), y=y, probe=d.X * 30) for y in (d.Y_LABELS, d.Y_MULTI, d.Y_TEXT)),
    Case(QDA(), y=d.Y_BINARY, probe=(d.X * 10).astype(int)),
    Case(QDA(reg_param=0.5, priors=[0.1, 0.2, 0.3, 0.4]), y=d.Y_TEXT, probe=d.X * 1e3),
    Case(QDA(tol=0.0), FAR, d.Y_LABELS, probe=FAR[:, ::-1]),
    Case(QDA(reg_param=1e-3, store_covariance=True), CONSTANT, d.Y_MULTI),
    Case(
        QDA(),
        d.X.astype(np.float32),
        d.Y_MULTI,
        dtypes=("float32",),
        native=SCORES,
        reason="float32",
        frame=False,
    ),
    *(
        Case(QDA(solver="eigen", shrinkage=shrinkage), y=d.Y_MULTI)
        for shrinkage in (None, "auto", 0.3)
        for _ in range(HAS_SOLVERS)
    ),
    *(
        Case(QDA(solver="eigen", covariance_estimator=ShrunkCovariance()), y=d.Y_MULTI)
        for _ in range(HAS_SOLVERS)
    ),
]
