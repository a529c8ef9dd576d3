"""The page of the coverage study: its figures are put where they belong, none is typed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from _cells import DEFAULT
from _designs import BETWEEN, BLOCKS, STANDARD, UNBALANCED

Record = Mapping[str, Any]

AIM = (0.93, 0.97)
LEAST_UNBALANCED = 0.90
WEIGHTS = ("case", "reader")
BOTH_RANDOM = ("crossed bootstrap", "REML", "robust", "ORH", "logit t")
NAIVE = ("cases bootstrap", "readers bootstrap", "readings t", "Wilson")
MOMENTS = ("default", "products", "products about the mean", "differences, all pairs alike", "semivariances")
TEMPLATE = Path(__file__).with_name("page.md")
GROUPS = {
    STANDARD: "full tables and balanced thirds of a hundred cases",
    BLOCKS: "balanced blocks of 6 to 10 of a hundred cases",
    BETWEEN: "uneven: the most reads two to five times the median",
    UNBALANCED: "unbalanced: the most reads above five times the median",
}


def page(study: Record) -> tuple[str, list[str]]:
    """The text of the page, and where the default interval missed its aims."""
    cells = study["cells"]
    missed = misses(cells)
    error = (0.95 * 0.05 / study["sets"]) ** 0.5
    error_draws = (0.95 * 0.05 / study["with_draws"]) ** 0.5
    error_reml = (0.95 * 0.05 / study["with_reml"]) ** 0.5
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        seed=study["seed"],
        sets=f"{study['sets']:,}",
        with_draws=f"{study['with_draws']:,}",
        with_reml=f"{study['with_reml']:,}",
        draws=f"{study['draws']:,}",
        error=f"{error:.4f}",
        error_draws=f"{error_draws:.3f}",
        error_reml=f"{error_reml:.3f}",
        cells=len(cells),
        designs=len(_names(cells, "design")),
        silent=_silent(cells),
        ranges=_ranges(cells),
        missed="\n".join(f"- {one}" for one in missed) or "None: every aim was met.",
        tables="\n\n".join(
            _table(world, [c for c in cells if c["world"] == world]) for world in _names(cells, "world")
        ),
        weights=_weights(cells),
        moments=_moments(cells),
    )
    return text, missed


def _silent(cells: Sequence[Record]) -> str:
    """Of the studies, how many had no interval; the others are what coverage is counted over."""
    counts: dict[str, int] = {}
    for cell in cells:
        for name in (DEFAULT, *BOTH_RANDOM, *NAIVE):
            if name in cell["methods"]:
                method = cell["methods"][name]
                counts[name] = counts.get(name, 0) + method["sets"] - method["given"]
    named = [f"{name} {n:,}" for name, n in counts.items() if n]
    return f"Studies without an interval: {', '.join(named)}." if named else "Every study had every interval."


def misses(cells: Sequence[Record]) -> list[str]:
    """Designs and outcomes at which the default interval is outside its aim, under any weighting."""
    found = []
    for cell in cells:
        low, high = AIM if cell["group"] in (STANDARD, BLOCKS) else (LEAST_UNBALANCED, 1.0)
        for name in (DEFAULT, *(f"{DEFAULT}, {by} weights" for by in WEIGHTS)):
            method = cell["methods"].get(name)
            if method is not None and not low <= method["coverage"] <= high:
                by = name.removeprefix(DEFAULT).removeprefix(", ") or "pair weights"
                found.append(f"{cell['world']}, {cell['design']}, {by}: {method['coverage']:.3f}")
    return found


def _ranges(cells: Sequence[Record]) -> str:
    rows = []
    for name in (DEFAULT, *BOTH_RANDOM, *NAIVE):
        label = "**default: two-way, Satterthwaite t**" if name == DEFAULT else name
        rows.append((label, *(_range(cells, group, name) for group in GROUPS)))
    return _markdown(("interval", *GROUPS.values()), rows)


def _range(cells: Sequence[Record], group: str, name: str) -> str:
    there = [c["methods"][name]["coverage"] for c in cells if c["group"] == group and name in c["methods"]]
    return f"{min(there):.3f} to {max(there):.3f}" if there else "–"


def _table(world: str, cells: Sequence[Record]) -> str:
    """One outcome: every design beside every interval."""
    shown = [name for name in (DEFAULT, *BOTH_RANDOM, *NAIVE) if any(name in cell["methods"] for cell in cells)]
    rows = [(cell["design"], *(_entry(cell, name) for name in shown)) for cell in cells]
    header = ("design", *("**default**" if name == DEFAULT else name for name in shown))
    return f"### {world}\n\n{_markdown(header, rows)}"


def _entry(cell: Record, name: str) -> str:
    method = cell["methods"].get(name)
    if method is None or method["coverage"] is None:
        return "–"
    text = f"{method['coverage']:.3f} / {method['width']:.2f}"
    return f"**{text}**" if name == DEFAULT else text


def _weights(cells: Sequence[Record]) -> str:
    rows = []
    of_means = [cell for cell in cells if f"{DEFAULT}, {WEIGHTS[0]} weights" in cell["methods"]]
    for group, what in GROUPS.items():
        tails = ("", *(f", {by} weights" for by in WEIGHTS))
        rows.append((what, *(_range(of_means, group, f"{DEFAULT}{tail}") for tail in tails)))
    return _markdown(("designs", "pair (E1)", "case (E2)", "reader (E3)"), rows)


def _moments(cells: Sequence[Record]) -> str:
    uneven = [cell for cell in cells if cell["group"] in (BETWEEN, UNBALANCED)]
    rows = [(f"{c['world']}, {c['design']}", *(_plain(c, name) for name in MOMENTS)) for c in uneven]
    for group in (STANDARD, BLOCKS):
        rows.append((f"range, {GROUPS[group]}", *(_range(cells, group, name) for name in MOMENTS)))
    return _markdown(("outcome and design", *MOMENTS), rows)


def _plain(cell: Record, name: str) -> str:
    method = cell["methods"][name]
    return f"{method['coverage']:.3f} / {method['width']:.2f}"


def _names(cells: Sequence[Record], key: str) -> list[str]:
    return list(dict.fromkeys(cell[key] for cell in cells))


def _markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = tuple(header)
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
