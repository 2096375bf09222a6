"""Add to the list of known parameters what the releases installed here have.

Run it on each end of the ranges in `pyproject.toml` once a converter handles what is new.
"""

import sktensor.converters.catboost
import sktensor.converters.imblearn
import sktensor.converters.lightgbm
import sktensor.converters.xgboost  # noqa: F401
from sktensor.converters.parameters import FILE, LIBRARIES, known, parameters
from sktensor.converters.registry import converter_types

listed = known() if FILE.exists() else {}
for cls in converter_types():
    if cls.__module__.partition(".")[0] in LIBRARIES:
        listed.setdefault(cls.__name__, set()).update(parameters(cls))
FILE.write_text("".join(f"{' '.join([c, *sorted(listed[c])])}\n" for c in sorted(listed)))
