"""The smaller tables of an analysis as its page shows them, from the document: chosen and rounded, not computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.stats.numbers import NONE, in_cases, interval, p_value, percent, plain, signed

Row = Mapping[str, Any]
Found = Mapping[str, Any]

SEVERE = "severe"
HARM_SUMS = (
    ("severe_harm", "severe"),
    ("moderate_harm", "moderate"),
    ("mild_harm", "mild"),
    ("omission", "omissions"),
    ("commission", "commissions"),
    ("harm", "all"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """`words`: its cells are sentences or names rather than numbers."""

    label: str
    words: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: the first cell of every row names it. `notes` stand below."""

    id: str
    heading: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def sheets(found: Found) -> tuple[Sheet, ...]:
    """Those that the document has rows of; one of an earlier version has none."""
    made = (build(found) for build in BUILDERS)
    return tuple(sheet for several in made for sheet in several if sheet.rows)


def _sensitivities(found: Found) -> list[Sheet]:
    rows = found.get("sensitivities", ())
    wanted = found["primary"] or {}
    columns = (
        Column("Method", True),
        Column("Estimand", True),
        Column("Difference"),
        Column("95 % interval"),
        Column("p"),
        Column("What is random", True),
    )
    labels = {measure["name"]: measure["label"] for measure in found["measures"]}
    measure = wanted.get("measure")
    title = f"{wanted.get('test')} minus {wanted.get('control')}: {labels.get(measure, measure)}"
    made = tuple(
        (row["what"], row["estimand"], signed(row["estimate"]), _interval(row), p_value(row["p"]), _random(row))
        for row in rows
    )
    ahead = tuple(
        f"{row['estimand']}, {row['what']}: {row['test']} {plain(row['estimate'])} ({_interval(row)}{_by(row)})."
        for row in found.get("ahead", ())
    )
    notes = (
        *(row["says"] for row in found.get("tipping", ())),
        *ahead,
        "A row under a label generalises over less than the default: it must not be read as if it said the same.",
    )
    return [Sheet("other-methods", "The primary comparison by other methods", title, columns, made, notes)]


def _by(row: Row) -> str:
    """How its interval was made; an earlier document does not say."""
    return f", {row['interval_by']}" if row.get("interval_by") else ""


def _random(row: Row) -> str:
    names = {"reader": "physicians", "case": "cases"}
    factors = row["random"].split("+")
    random = " and ".join(names.get(factor, factor) for factor in factors)
    if not row["label"]:
        return random
    return f"{random}; {row['label']}" if len(factors) > 1 else str(row["label"])


def _interval(row: Row) -> str:
    """The interval, or why there is none."""
    if row["low"] is None and row["refused_reason"] is not None:
        return f"none. {row['refused_reason']}"
    return interval(row["low"], row["high"])


def _arms(found: Found) -> list[Sheet]:
    labels = {measure["name"]: measure["label"] for measure in found["measures"]}
    rows = [row for row in found.get("arms", ()) if row["what"].startswith("least squares")]
    columns_of = (Column("Difference"), Column("95 % interval"), Column("p"))
    made = []
    for test, control in dict.fromkeys((row["test"], row["control"]) for row in rows):
        own = [row for row in rows if (row["test"], row["control"]) == (test, control)]
        made.append(
            Sheet(
                f"arms-{test}-{control}",
                "Arms of physicians against each other",
                f"{test} minus {control}, {own[0]['crossing']} arms",
                (Column("Measure", True), Column(test), Column(control), *columns_of),
                tuple(
                    (
                        labels.get(row["measure"], row["measure"]),
                        plain(row["test_value"]),
                        plain(row["control_value"]),
                        signed(row["estimate"]),
                        _interval(row),
                        p_value(row["p"]),
                    )
                    for row in own
                ),
                ("The arms read different cases: the estimate is no difference of the two values.",),
            )
        )
    return made


def _systems(found: Found) -> list[Sheet]:
    rows = found.get("systems_compared", ())
    title = f"{rows[0]['test']} minus each other system, over cases; no physician takes part" if rows else ""
    columns = (
        Column("Other system", True),
        Column("Difference"),
        Column("95 % interval"),
        Column("p, sign flips"),
        Column("p, all at once"),
    )
    made = tuple(
        (
            row["control"],
            signed(row["estimate"]),
            _interval(row),
            p_value(row["p_sign_flip"]),
            p_value(row["p_family"]),
        )
        for row in rows
    )
    notes = ("These systems, new cases: only cases are random, and every case counts the same.",)
    return [Sheet("systems", "System against system", title, columns, made, notes)]


def _specialties(found: Found) -> list[Sheet]:
    apart = found.get("heterogeneity") or {}
    rows = [row for row in found.get("specialties", ()) if row["test"] == apart.get("test")]
    columns = (
        Column("Specialty", True),
        Column("Cases"),
        Column("Readings"),
        Column("Difference"),
        Column("95 % interval"),
    )
    made = tuple(
        (row["specialty"], str(row["n_cases"]), str(row["n_readings"]), signed(row["estimate"]), _interval(row))
        for row in rows
    )
    said = (
        f"I² = {percent(apart['i_squared'])}, Q = {plain(apart['q'], 1)} on {apart['df']} degrees of freedom."
        if apart.get("q") is not None
        else f"How far they lie apart is not estimated. {apart.get('refused_reason')}"
    )
    title = f"{apart.get('test')} minus the physicians; descriptive, without p values"
    return [Sheet("specialties", "By specialty", title, columns, made, (said,))]


def _values(found: Found) -> list[Sheet]:
    """Each respondent on the first measure and, where that is another one, in the rate of severe harm."""
    rows = found.get("values", ())
    measure = next(iter(found["measures"]), {})
    arm = next((row["arm"] for row in rows), None)
    of = {(row["respondent"], row["measure"]): row for row in rows if row["arm"] == arm}
    whose = [who for who, name in of if name == measure.get("name")]
    order = [arm, *dict.fromkeys(row["test"] for row in found["differences"])]
    whose.sort(key=lambda who: order.index(who) if who in order else len(order))
    beside = measure.get("name") != SEVERE and any(name == SEVERE for _, name in of)
    columns = [Column("Respondent", True), Column("Value"), Column("95 % interval")]
    columns += [Column("Severe harm"), Column("its 95 % interval")] if beside else []
    occurred = severe_in(found)
    made = []
    for who in whose:
        shown = [of[who, measure["name"]], *([of[who, SEVERE]] if beside and (who, SEVERE) in of else [])]
        line = [cell for row in shown for cell in (plain(row["value"]), _interval(row))]
        line += [NONE] * (len(columns) - 1 - len(line))
        made.append((who, *line, occurred.get((who, str(arm)), NONE)))
    notes = (
        "Over the cases that the physicians read, weighted as they were read; physicians: for new physicians and new "
        "cases, systems and policies: for new cases.",
    )
    title = str(measure.get("label", ""))
    occurs = Column("Occurred", True)
    return [Sheet("values", "Each respondent by itself", title, (*columns, occurs), tuple(made), notes)]


def _harms(found: Found) -> list[Sheet]:
    rows = found.get("harm_rates", ())
    cell = {(row["arm"], row["respondent"], row["measure"]): row for row in rows}
    whose = list(dict.fromkeys((row["arm"], row["respondent"]) for row in rows))
    made = tuple((name, *(_rate(cell[arm, name, group]) for group, _ in HARM_SUMS)) for arm, name in whose)
    columns = (Column("Respondent", True), *(Column(label) for _, label in HARM_SUMS))
    title = "Harms per 100 cases, with 95 % intervals"
    notes = (
        "Of severe harms, in how many of the cases there was any, whichever physician or run did it.",
        "Every harm counts: a case may hold several.",
        "Physicians: for new physicians and new cases; systems and policies: for new cases.",
    )
    return [Sheet("harms", "Harms", title, columns, made, notes)]


def _rate(row: Row) -> str:
    """With its interval, where there is one; a severe one also with the cases that it rests on."""
    given = interval(row["low"], row["high"], 1)
    written = plain(row["value"], 1) if given == NONE else f"{plain(row['value'], 1)} ({given})"
    occurred = in_cases(row.get("cases_with"), row["n_cases"]) if row["measure"] == "severe_harm" else None
    return written if occurred is None else f"{written}, {occurred}"


def severe_in(found: Found) -> dict[tuple[str, str], str]:
    """In how many cases there was a severe harm, by respondent and arm; an earlier document does not say."""
    severe = (row for row in found.get("values", ()) if row["measure"] == SEVERE)
    said = {(row["respondent"], row["arm"]): in_cases(row.get("cases_with"), row["n_cases"]) for row in severe}
    return {key: words for key, words in said.items() if words is not None}


def _harm_differences(found: Found) -> list[Sheet]:
    """One sheet an arm of physicians."""
    wanted = {name for name, _ in HARM_SUMS}
    rows = [row for row in found["differences"] if row["analysis"] == "harms" and row["measure"] in wanted]
    arms = list(dict.fromkeys(row["control"] for row in rows))
    order = list(dict.fromkeys(row["test"] for row in found["differences"]))
    columns = (Column("System", True), *(Column(label, True) for _, label in HARM_SUMS))
    notes = (
        "Below 0: the system does fewer. Intervals allow for other physicians and other cases like these; p is "
        "two-sided and not adjusted for multiplicity.",
        "Where no interval stands, differences.csv (analysis “harms”) has the reason.",
    )
    made = []
    for n, arm in enumerate(arms, start=1):
        cell = {(row["test"], row["measure"]): row for row in rows if row["control"] == arm}
        tests = [test for test in order if any(test == of for of, _ in cell)]
        of_arm = f" ({arm})" if len(arms) > 1 else ""
        title = f"Harms per 100 cases: system − the physicians{of_arm}"
        lines = tuple((test, *(_of_harm(cell[test, name]) for name, _ in HARM_SUMS)) for test in tests)
        made.append(Sheet(f"harm-differences-{n}", title, title, columns, lines, notes))
    return made


def _of_harm(row: Row) -> str:
    """The difference, under it the interval and p where there are any."""
    estimate = signed(row["estimate"], 1)
    if row["low"] is None or row["high"] is None:
        return estimate
    p = p_value(row["p"])
    return f"{estimate}\n{interval(row['low'], row['high'], 1)}\np {p if p.startswith('<') else f'= {p}'}"


def _needed(found: Found) -> list[Sheet]:
    rows = found.get("numbers_needed", ())
    columns = (
        Column("Respondent", True),
        Column("Compared with", True),
        Column("Cases"),
        Column("95 % interval", True),
        Column("Occurred", True),
    )
    occurred = severe_in(found)
    made = tuple(
        (
            row["respondent"],
            "–" if row["control"] is None else f"{row['control']}: cases to one more",
            plain(row["cases"], 1),
            row["reads"] or row["refused_reason"] or NONE,
            occurred.get((row["respondent"], row["arm"]), NONE) if row["control"] is None else NONE,
        )
        for row in rows
    )
    notes = ("Where a difference may be 0, its inverse has an interval in two parts, through infinity.",)
    return [
        Sheet(
            "needed",
            "Cases to one with a severe harm",
            "One over the share of cases with a severe harm",
            columns,
            made,
            notes,
        )
    ]


BUILDERS: tuple[Callable[[Found], Sequence[Sheet]], ...] = (
    _sensitivities,
    _arms,
    _systems,
    _specialties,
    _values,
    _harms,
    _harm_differences,
    _needed,
)
