"""A plan in words and as a document: what is planned, from what, and what a plan cannot know."""

import math
from collections.abc import Sequence

from analysis.digits import Json, number
from analysis.inference.estimate import Estimand
from analysis.inference.planning import known_within
from analysis.plan import LARGER, Plan, PlanRow
from analysis.scores.pilot import PARTS, Pilot
from analysis.versions import versions
from analysis.wording import NONE, counted, listed, plain

TWO_IN_95 = 1.96
"""Standard errors on either side that hold in 95 of 100 cases: of the simulation itself, whatever level is planned."""
OF_PART = {"case": "cases", "reader": "readers", "cell": "cells"}


def notes(found: Plan) -> tuple[str, ...]:
    """What must be said beside the table: what is planned, from what, and what a plan cannot know."""
    return (*_assumed(found), *_limits(found), *_simulation(found))


def _assumed(found: Plan) -> list[str]:
    question, pilot = found.question, found.question.pilot
    kept = question.components.truncated()
    sds = ", ".join(
        f"between {OF_PART[part]} {short(getattr(kept, part) ** 0.5)}" for part in ("reader", "case", "cell")
    )
    source = "stated" if pilot is None else f"from {pilot.name}: {pilot.what}"
    said = [
        "Test − control for new readers and new cases, every reading counting the same; two-sided intervals at "
        f"{100 * question.level:g} %. Standard deviations of one reading's difference: {sds} ({source})."
    ]
    if pilot is None:
        return said
    if found.zero_components:
        said.append(_never_larger(found.zero_components, pilot))
    uncertain = []
    for part, n in (("reader", pilot.n_readers), ("case", pilot.n_cases)):
        if part not in found.zero_components:
            low, high = known_within(n, level=question.level)
            within = f"{short(low)} to {short(high)} times what was found"
            uncertain.append(f"with {counted(n, part)} the true one between {OF_PART[part]} is at best {within}")
    if uncertain:
        said.append(f"The pilot's variances are uncertain: {'; '.join(uncertain)}.")
    return said


def _never_larger(zero: Sequence[str], pilot: Pilot) -> str:
    """That the ladder does not try what the pilot saw nothing of: its top step is no worst case."""
    below = {part: " (estimated below 0)" if getattr(pilot.components, part) < 0 else "" for part in zero}
    named = listed([f"between {OF_PART[part]}{below[part]}" for part in zero])
    variance, stay = ("variance", "it stays") if len(zero) == 1 else ("variances", "they stay")
    return f"The pilot put the {variance} {named} at 0; {stay} 0 on every step, so every step may be too good."


def _limits(found: Plan) -> list[str]:
    lower = "power what stands below" if len(larger(found)) > 1 else "power is lower"
    said = [
        f"The variances are taken as known. If all three are {_steps(found)} times as large, the half-width is what "
        f"stands beside it, and {lower}. Readings that will be missing are not foreseen."
    ]
    said += [
        f"With {counted(n, 'case')}, no number of readers brings the half-width down to {short(least)}."
        for n, least in found.floors
        if least > 0
    ]
    said += [
        f"{_size(row)}: no interval. {row.planned.refused.reason}"
        for row in found.rows
        if row.planned.refused is not None
    ]
    said += [
        f"{_size(row)}: {counted(row.unread, 'case')} would be read by nobody." for row in found.rows if row.unread
    ]
    if found.question.margin is not None:
        said.append(
            "Power for the margin: the chance that the interval excludes being worse by "
            f"{found.question.margin:g} where the true difference is 0."
        )
    return said


def _size(row: PlanRow) -> str:
    each = "" if row.per_reader is None else f", {row.per_reader} each"
    return f"{counted(row.planned.n_readers, 'reader')}, {counted(row.planned.n_cases + row.unread, 'case')}{each}"


def _simulation(found: Plan) -> list[str]:
    question = found.question
    if not question.studies:
        return []
    level = question.level
    own = ", and beside each power stands how well it is" if _powers_asked(found) else ""
    return [
        f"{counted(question.studies, 'study', 'studies')} invented for each size with normal effects (seed "
        f"{question.seed}) and analysed by the default: a share near {level:g} is known to ± "
        f"{short(TWO_IN_95 * (level * (1 - level) / question.studies) ** 0.5)}{own}."
    ]


def short_error(share: float, n: int) -> str:
    """How well n invented studies know a share, at 95 %; also of none and of all of them (Agresti & Coull 1998)."""
    towards = (share * n + 2) / (n + 4)
    return plain(TWO_IN_95 * (towards * (1 - towards) / (n + 4)) ** 0.5, 2 if n < 1000 else 3)


def _steps(found: Plan) -> str:
    times = [f"{rung.times:g}" for rung in found.rows[0].ladder]
    return " or ".join([", ".join(times[:-1]), times[-1]] if len(times) > 1 else times)


def short(value: float) -> str:
    """Three significant digits, as people write them."""
    if not math.isfinite(value) or value == 0:
        return plain(value, 0)
    return plain(value, max(2 - math.floor(math.log10(abs(value))), 0))


Table = tuple[tuple[str, ...], ...]
"""Rows of cells for people, rounded, the heads first; a line break in a head where it may be broken."""


def sizes(found: Plan) -> Table:
    """What the formulas say of every size. A dash where there is no interval: the reason stands in the notes."""
    larger = (f"± if\n{rung.times:g} ×" for rung in found.rows[0].ladder)
    heads = ("readers", "cases", "each", "readings", "SE", "df", "±", *larger, *_powers_asked(found))
    return (heads, *(_size_cells(row) for row in found.rows))


def larger(found: Plan) -> Table:
    """Power on every step of the ladder; no row where no power was asked, or the variances were stated."""
    heads: tuple[str, ...] = ("readers", "cases", "each")
    if found.question.pilot is None or not _powers_asked(found):
        return (heads,)
    steps = [rung.times for rung in found.rows[0].ladder]
    heads += tuple(f"{asked}\nif {times:g} ×" for times in steps for asked in _powers_asked(found))
    return (
        heads,
        *(
            (*_named_size(row), *(cell for rung in row.ladder for cell in _shares(rung.power, rung.power_margin)))
            for row in found.rows
        ),
    )


def invented(found: Plan) -> Table:
    """What became of the invented studies of every size; no row where none were invented."""
    heads = ("readers", "cases", "each", "coverage", "±", "± of 8 in 10", *_powers_asked(found))
    if not found.question.studies:
        return (heads,)
    return (heads, *(_invented_cells(row) for row in found.rows))


def _powers_asked(found: Plan) -> tuple[str, ...]:
    question = found.question
    margins = () if question.margin is None else (f"power,\nmargin {question.margin:g}",)
    return (*(f"power\nat {effect:g}" for effect in question.effects), *margins)


def _named_size(row: PlanRow) -> tuple[str, str, str]:
    each = "" if row.per_reader is None else str(row.per_reader)
    return str(row.planned.n_readers), str(row.planned.n_cases + row.unread), each


def _size_cells(row: PlanRow) -> tuple[str, ...]:
    planned = row.planned
    return (
        *_named_size(row),
        f"{planned.n_readings:,}",
        *(short(value) for value in (planned.se, planned.df, planned.half_width)),
        *(short(rung.half_width) for rung in row.ladder),
        *_shares(row.power, row.power_margin),
    )


def _invented_cells(row: PlanRow) -> tuple[str, ...]:
    simulated = row.simulated
    if simulated is None:
        return (*_named_size(row), *[NONE] * (3 + len(_shares(row.power, row.power_margin))))
    return (
        *_named_size(row),
        plain(simulated.coverage, 3),
        short(simulated.half_width),
        " to ".join(short(end) for end in simulated.half_widths),
        *(
            f"{plain(share, 2)} ± {short_error(share, simulated.n)}"
            for share in (*simulated.power, *(() if row.power_margin is None else (simulated.power_margin,)))
        ),
    )


def _shares(power: Sequence[float], margin: float | None) -> tuple[str, ...]:
    return tuple(plain(share, 2) for share in (*power, *(() if margin is None else (margin,))))


def plan_json(found: Plan) -> dict[str, Json]:
    """The plan as one document: every key, always; null for what is not defined or was not asked."""
    question, pilot = found.question, found.question.pilot
    return {
        "schema": 1,
        "estimand": Estimand.E1,
        "random": ["reader", "case"],
        "level": question.level,
        "components": {part: number(getattr(question.components, part)) for part in PARTS},
        "pilot": None
        if pilot is None
        else {
            "file": pilot.name,
            "difference": pilot.what,
            "measure": pilot.measure,
            "n_readers": pilot.n_readers,
            "n_cases": pilot.n_cases,
        },
        "zero_components": list(found.zero_components),
        "allocation": None if found.assignment is None else found.assignment.name,
        "effects": [number(effect) for effect in question.effects],
        "margin": number(question.margin),
        "larger": LARGER,
        "rows": [_row_json(row, question.effects) for row in found.rows],
        "floors": [{"cases": n, "half_width": number(least)} for n, least in found.floors],
        "simulated_studies": question.studies or None,
        "seed": question.seed if question.studies else None,
        "notes": list(notes(found)),
        "versions": dict(versions("numpy", "scipy")),
    }


def _row_json(row: PlanRow, effects: Sequence[float]) -> Json:
    planned, simulated, shares = row.planned, row.simulated, row.planned.shares
    return {
        "readers": planned.n_readers,
        "cases": planned.n_cases,
        "cases_per_reader": row.per_reader,
        "readings": planned.n_readings,
        "se": number(planned.se),
        "df": number(planned.df),
        "half_width": number(planned.half_width),
        "half_width_larger": number(row.half_width_larger),
        "share_of_variance": {part: number(getattr(shares, part)) for part in PARTS},
        "ladder": [
            {
                "times": rung.times,
                "half_width": number(rung.half_width),
                "power": _powers(effects, rung.power),
                "power_margin": number(rung.power_margin),
            }
            for rung in row.ladder
        ],
        "power": _powers(effects, row.power),
        "power_margin": number(row.power_margin),
        "simulated": None
        if simulated is None
        else {
            "coverage": number(simulated.coverage),
            "half_width": number(simulated.half_width),
            "half_width_10": number(simulated.half_widths[0]),
            "half_width_90": number(simulated.half_widths[1]),
            "power": _powers(effects, simulated.power),
            "power_se": [number(simulated.error(share)) for share in simulated.power],
            "power_margin": number(simulated.power_margin),
            "power_margin_se": number(simulated.error(simulated.power_margin)),
            "refused": simulated.n_refused,
        },
        "refused": None
        if planned.refused is None
        else {"code": planned.refused.code, "reason": planned.refused.reason},
    }


def _powers(effects: Sequence[float], shares: Sequence[float]) -> Json:
    return [{"effect": number(effect), "power": number(share)} for effect, share in zip(effects, shares, strict=True)]
