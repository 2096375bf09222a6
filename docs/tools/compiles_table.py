"""Write the README's table of what compiles, from the registry of converters.

Run it as `python docs/tools/compiles_table.py`; `tests/test_readme.py` says when to.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sktensor.converters import LIBRARIES
from sktensor.converters.registry import converter_types

README = Path(__file__).resolve().parents[2] / "README.md"
IN_MODULES = ("sklearn", "imblearn")  # whose estimators are not those of the package itself
START, END = "<!-- compiles:start -->", "<!-- compiles:end -->"


def compiled() -> dict[str, list[str]]:
    """The estimators that have a converter, by the module that users import them from."""
    for library in LIBRARIES:
        import_module(f"sktensor.converters.{library}")
    found: dict[str, list[str]] = {}
    for kind in converter_types():
        if kind.__name__.startswith("_"):
            continue
        parts = kind.__module__.split(".")
        module = ".".join(parts[:2]) if parts[0] in IN_MODULES else parts[0]
        found.setdefault(module, []).append(kind.__name__)
    ours = sorted(m for m in found if m.startswith("sklearn."))
    rest = sorted(found.keys() - set(ours))
    return {module: sorted(found[module]) for module in (*ours, *rest)}


def table(found: dict[str, list[str]]) -> str:
    """The table in Markdown."""
    rows = [f"| `{module}` | {', '.join(names)} |" for module, names in found.items()]
    return "\n".join(["| module | estimators |", "|---|---|", *rows])


def read(text: str) -> tuple[str, str, str]:
    """A page as what comes before the table, the table, and what comes after."""
    before, rest = text.split(START)
    old, after = rest.split(END)
    return before, old.strip(), after


def main() -> None:
    """Write the table into the README."""
    before, _, after = read(README.read_text())
    README.write_text(f"{before}{START}\n{table(compiled())}\n{END}{after}")


if __name__ == "__main__":
    main()
