"""Rows for `sklearn.tree`."""

import numpy as np
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from ..forests import rows_at_thresholds
from ..support import Case
from . import data as d


def case(estimator, X=d.X, y=None, **more):
    """A row with a probe of rows at the thresholds of a tree like this one."""
    return Case(estimator, X, y, probe=rows_at_thresholds(estimator, X, y), exact=True, **more)


CASES = [
    case(DecisionTreeClassifier(random_state=0), y=d.Y_MULTI),
    case(DecisionTreeClassifier(max_depth=3, random_state=0), d.X_NAN, d.Y_TEXT),
    case(DecisionTreeClassifier(criterion="entropy", class_weight="balanced"), y=d.Y_LABELS),
    case(DecisionTreeClassifier(max_depth=4), y=d.Y_CLASSES),
    case(DecisionTreeClassifier(max_depth=4), y=d.Y_BINARY.astype(bool)),
    case(DecisionTreeClassifier(monotonic_cst=[1, 0, 0, 0, 0, 0], max_depth=4), y=d.Y_BINARY),
    case(DecisionTreeClassifier(), y=np.zeros(d.N, int)),
    case(DecisionTreeRegressor(random_state=0), y=d.Y_REAL),
    case(DecisionTreeRegressor(max_depth=4, criterion="poisson"), y=d.Y_POSITIVE),
    case(DecisionTreeRegressor(max_depth=5), d.X_NAN, d.Y_OUTPUTS),
    case(ExtraTreeClassifier(random_state=0), y=d.Y_MULTI),
    case(ExtraTreeRegressor(random_state=0, max_depth=6), y=d.Y_REAL),
]
