"""Nested pipelines at random, all response methods: what is compiled answers as what is not."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from sklearn.base import clone

from .pipelines import drawn, probes
from .support import assert_answers_alike

PARTS, DRAWS = 10, 50


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_pipelines_answer_as_they_do_natively(part):
    @seed(part)
    @settings(
        max_examples=DRAWS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(drawn())
    def check(some):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                estimator = clone(some.estimator).fit(some.X, some.y)
            except (TypeError, ValueError):  # a step cannot do with the columns, or without targets
                assume(False)
        for X in probes(some):
            assert_answers_alike(estimator, X, compiled=False)

    check()
