"""What every drill begins with: where its neighbours are, what it was asked, and how it tells how far it is.

Imported first of our own modules: the tests' PostgreSQL and the benchmarks' figures are found from here on.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "benchmarks", ROOT / "tests"):
    sys.path.insert(0, str(folder))

SQLITE, POSTGRES = "sqlite", "postgres"
ENGINES = {SQLITE: "SQLite", POSTGRES: "PostgreSQL"}
"""The engines as a drill asks for them, and as its figures name them."""


def parser(about: str) -> argparse.ArgumentParser:
    """`--short` is the drill in seconds: the same faults and the same demands, in smaller numbers."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--short", action="store_true", help="seconds rather than minutes")
    return made


def note(text: str) -> None:
    """How far it is, for whoever waits; the figures go to standard output."""
    print(text, file=sys.stderr, flush=True)
