"""Rows for `sklearn.pipeline` and `sklearn.compose`."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..support import Case
from . import data as d

CASES = [Case(make_pipeline(StandardScaler(), LogisticRegression()), y=d.Y_MULTI)]
