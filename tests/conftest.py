"""Settings of all tests."""

from hypothesis import settings

# Kernels are compiled at their first call, which takes longer than examples are given by default.
settings.register_profile("sktensor", deadline=None)
settings.load_profile("sktensor")
