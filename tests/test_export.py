"""A device stage is one torch graph: `torch.export` and `torch.compile` take it whole."""

import numpy as np
import pytest
import torch
from lightgbm import LGBMRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor.program import DeviceStage

from .cases import data
from .support import METHODS, assert_same, fitted_quietly
from .test_cases import CASES
from .test_program import COMPILED, X, Y, program_of, responses


def only_stage(program):
    (stage,) = program.stages
    assert isinstance(stage, DeviceStage)
    assert stage.inputs == [program.input]
    return stage


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("estimator", COMPILED)
def test_torch_export_captures_the_whole_program(estimator, dtype):
    estimator, table = estimator.fit(X, Y), X.astype(dtype)
    for method in responses(estimator):
        program = program_of(estimator, method, table)
        rows = {0: torch.export.Dim.DYNAMIC}
        exported = torch.export.export(
            only_stage(program), (torch.from_numpy(table),), dynamic_shapes=((rows,),)
        )
        for n in (2000, 17):
            (answer,), holds = exported.module()(torch.from_numpy(table[:n]))
            assert all(holds)
            assert_same(answer.numpy(), getattr(estimator, method)(table[:n]))


@pytest.mark.parametrize("estimator", COMPILED)
def test_torch_compile_takes_the_whole_program(estimator):
    estimator.fit(X, Y)
    for method in responses(estimator):
        torch.compiler.reset()
        compiled = torch.compile(
            only_stage(program_of(estimator, method)), fullgraph=True, backend="eager"
        )
        with torch.no_grad():
            (answer,), holds = compiled(torch.from_numpy(X))
        assert all(holds)
        assert_same(answer.numpy(), getattr(estimator, method)(X))


def test_a_forest_is_one_node_of_the_graph():
    estimator = RandomForestRegressor(5, random_state=0).fit(X, Y)
    stage = only_stage(program_of(estimator, "predict"))
    exported = torch.export.export(stage, (torch.from_numpy(X),))
    called = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert sum("sktensor.forest" in name for name in called) == 1


@pytest.mark.parametrize("linear", [False, True])
def test_a_forest_with_categorical_splits_is_one_node_of_the_graph(linear):
    rows = np.column_stack([data.CODES[:, 0], data.X_NAN])
    fine = {"max_cat_to_onehot": 1, "min_data_per_group": 2, "cat_smooth": 1.0, "verbose": -1}
    estimator = LGBMRegressor(n_estimators=5, linear_tree=linear, **fine)
    estimator.fit(rows, data.Y_CODED, categorical_feature=[0])
    assert "cat_threshold=" in estimator.booster_.model_to_string()
    exported = torch.export.export(
        only_stage(program_of(estimator, "predict", rows)), (torch.from_numpy(rows),)
    )
    called = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert sum("sktensor.forest" in n or "sktensor.leaves" in n for n in called) == 1
    (answer,), holds = exported.module()(torch.from_numpy(rows))
    assert all(holds)
    assert_same(answer.numpy(), estimator.predict(rows), exact=not linear)


def test_an_exported_program_says_where_it_does_not_hold():
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    stage = only_stage(program_of(estimator, "predict"))
    exported = torch.export.export(stage, (torch.from_numpy(X),)).module()
    bad = X.copy()
    bad[5, 2] = np.nan
    assert not all(exported(torch.from_numpy(bad))[1])


def firsts():
    """The first row of the case table for each estimator."""
    seen = set()
    for row in CASES:
        kind = type(row.values[0].estimator)
        if kind not in seen:
            seen.add(kind)
            yield row


@pytest.mark.parametrize("case", list(firsts()))
def test_torch_export_captures_every_device_stage(case, monkeypatch):
    given = {}

    def watched(stage, inputs, *_):
        given[stage] = tuple(inputs)
        return stage(*inputs)[0]  # whether or not a guard holds for these rows

    monkeypatch.setattr(DeviceStage, "block", watched)
    table = data.X if case.X is None else case.X
    estimator = fitted_quietly(case.estimator, table, case.y, **case.fit_params)
    for method in (m for m in METHODS if hasattr(estimator, m)):
        program = program_of(estimator, method, table, batch_size=len(table))
        if program is not None:
            program(table)
    for stage, inputs in given.items():
        rows = tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs)
        exported = torch.export.export(stage, inputs, dynamic_shapes=(rows,)).module()
        for n in (len(table), 7):
            some = [x[:n] for x in inputs]
            for ours, eager in zip(exported(*some), stage(*some), strict=True):
                assert_same([x.numpy() for x in ours], [x.numpy() for x in eager])
