"""Answer with torch what a scikit-learn estimator would answer."""

from importlib.metadata import PackageNotFoundError, version

from .converters import Unsupported, converts
from .estimator import TensorAccelerated
from .parity import Parity

try:
    __version__ = version("sktensor")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0+unknown"

__all__ = ["Parity", "TensorAccelerated", "Unsupported", "converts"]
