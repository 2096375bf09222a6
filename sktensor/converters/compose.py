"""Converters for `sklearn.pipeline` and `sklearn.compose`: estimators made of estimators."""

from sklearn.pipeline import Pipeline

from .registry import Responses, convert, converts


@converts(Pipeline)
def pipeline(est, x):
    responses = Responses(transform=x)
    for name, step in est.steps:
        if step not in (None, "passthrough"):
            responses = convert(step, responses.get("transform"), name)
    return responses
