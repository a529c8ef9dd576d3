"""Runs programs that print figures, and keeps what they printed.

Such a program prints for people, and each figure as one line of JSON (or one list of them) with the keys name, value,
unit, target and holds. Each runs in a process of its own, so that its memory and its faults are its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEYS = {"name", "value", "unit", "target", "holds"}


def programs(folder: str) -> list[Path]:
    """What is run of a folder; a name that begins with _ is no program."""
    return sorted(path for path in (ROOT / folder).glob("*.py") if not path.name.startswith("_"))


def figures_of(line: str) -> list[dict]:
    """The figures that a line holds: none where it is prose."""
    if not line.lstrip().startswith(("{", "[")):
        return []
    try:
        read = json.loads(line)
    except ValueError:
        return []
    return [
        item for item in (read if isinstance(read, list) else [read]) if isinstance(item, dict) and item.keys() >= KEYS
    ]


def collect(folder: str, name: str, *, arguments: Sequence[str] = (), at_once: int = 1) -> list[str]:
    """Run them all, keep their figures in var/<name>.json; gives the names of the missed ones.

    Ends with 1 where a program failed or printed no figure: but only after all of them ran.
    """
    found: list[dict] = []
    faults: list[str] = []
    with ThreadPoolExecutor(at_once) as pool:
        for figures, fault in pool.map(lambda program: run(program, arguments), programs(folder)):
            found += figures
            faults += [fault] if fault else []
    kept = ROOT / "var" / f"{name}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    missed = [figure["name"] for figure in found if not figure["holds"]]
    print(f"{len(found)} figures in {kept.relative_to(ROOT)}; missed: {'; '.join(missed) or 'none'}")
    if faults:
        sys.exit("\n".join(faults))
    return missed


def run(program: Path, arguments: Sequence[str]) -> tuple[list[dict], str | None]:
    """The figures of one program, passed on as they come, and what was wrong with it."""
    print(f"— {' '.join([str(program.relative_to(ROOT)), *arguments])}", flush=True)
    found: list[dict] = []
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            found += figures_of(line)
    print(f"— {program.name}: {time.monotonic() - began:.0f} s", flush=True)
    if process.returncode:
        return found, f"{program.name} ended with {process.returncode}"
    return found, None if found else f"{program.name} printed no figure"
