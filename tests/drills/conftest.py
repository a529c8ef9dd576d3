"""The drills are programs in a folder of their own; their parts are found from here on."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "drills"))
