"""The numeric stage for other programs: as a module of torch, and as a file."""

from .stage import NumericStage, numeric
from .write import EXPORTED, export, needed

__all__ = ["EXPORTED", "NumericStage", "export", "needed", "numeric"]
