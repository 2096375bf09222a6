"""What runs where: the plan of a compiled estimator, for people to read."""

from .report import Plan, Stage, Step, Timing

__all__ = ["Plan", "Stage", "Step", "Timing"]
