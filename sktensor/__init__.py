"""Answer with torch what a scikit-learn estimator would answer."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from .exported import Exported, load_exported
from .versions import UntestedVersionWarning

if TYPE_CHECKING:
    from .converters import Unsupported, converts
    from .estimator import TensorAccelerated
    from .parity import Parity

try:
    __version__ = version("sktensor")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0+unknown"

__all__ = [
    "Exported",
    "Parity",
    "TensorAccelerated",
    "Unsupported",
    "UntestedVersionWarning",
    "converts",
    "load_exported",
]

# All but what loads an export needs scikit-learn, so it is imported when it is asked for.
_HOMES = {
    "Parity": "parity",
    "TensorAccelerated": "estimator",
    "Unsupported": "converters",
    "converts": "converters",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
