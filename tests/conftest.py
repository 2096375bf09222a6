"""Settings of all tests."""

import pytest
import torch
from hypothesis import settings

from sktensor.program import few_rows

# Kernels are compiled at their first call, which takes longer than examples are given by default.
settings.register_profile("sktensor", deadline=None)
settings.load_profile("sktensor")


@pytest.fixture(autouse=True, scope="session")
def many_rows_go_by_torch():
    """Have torch answer the 150 rows of most tests, which NumPy would: `test_few` compares both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_rows, "ONE_THREAD", 0.0)
        patch.setattr(few_rows, "NARROW_BYTES", 0)
        yield


def pytest_collection_modifyitems(config, items):
    """Deselect tests of a card where there is none; asked for by `-m cuda` they are an error."""
    if torch.cuda.is_available():
        return
    on_card = [item for item in items if item.get_closest_marker("cuda")]
    if "cuda" in config.option.markexpr.replace("not cuda", ""):
        if not config.option.collectonly:
            raise pytest.UsageError("-m cuda needs a card that torch can run on")
        return
    if on_card:
        config.hook.pytest_deselected(items=on_card)
        items[:] = [item for item in items if not item.get_closest_marker("cuda")]
