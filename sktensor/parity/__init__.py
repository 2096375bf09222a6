"""Whether the compiled answers are the native ones: asked, row by row."""

from .report import Comparison, Parity, Worst
from .verify import verify

__all__ = ["Comparison", "Parity", "Worst", "verify"]
