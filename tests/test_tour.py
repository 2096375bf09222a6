"""docs/tour.md is what docs/tools/tour.py writes, and shows what it says."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def tour():
    spec = spec_from_file_location("tour", ROOT / "docs/tools/tour.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(tour):
    assert tour.PAGE.read_text() == tour.text(), "run: python docs/tools/tour.py"


def test_every_pass_that_folds_is_on_it(tour):
    page = tour.text()
    for name in ("fold_one_hot", "fold_affine", "fold_thresholds", "drop_unused"):
        assert f"### {name}\n" in page
