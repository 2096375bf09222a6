"""The front end: one module per scikit-learn module or library, one function per estimator."""

from importlib import import_module
from pkgutil import iter_modules

from .parameters import BOOSTERS as LIBRARIES
from .registry import METHODS, Responses, Unsupported, conversion, convert, converts

for _module in iter_modules(__path__):
    if _module.name not in LIBRARIES:
        import_module(f"{__name__}.{_module.name}")

__all__ = ["LIBRARIES", "METHODS", "Responses", "Unsupported", "conversion", "convert", "converts"]
