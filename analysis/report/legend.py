"""What the columns and words of a result mean, said once: for the report, and for the page that shows the document."""

from analysis.inference.estimate import Estimand
from analysis.outcomes.findings import MAIN, Findings, Row
from analysis.wording import listed, percent

ROUNDING = 1e-12  # a mean of ones over many readings may miss 1 by this much

POLICIES = {
    "do-nothing": "do-nothing selects each case's option to take no action, and nothing where a case has none: it "
    "misses what was needed, and where taking no action is itself rated harmful it harms by commission too.",
    "select-all": "select-all selects every option of every case.",
    "oracle": "oracle selects every option that the rubric calls right, of alternatives the best one.",
}

ESTIMANDS = {
    Estimand.E1: "System − physicians for new physicians and new cases, every reading counting the same.",
    Estimand.E2: "The same, every case counting the same.",
    Estimand.E3: "The same, every physician counting the same.",
    Estimand.E4: "System − physicians for these physicians and new cases.",
    Estimand.E5: "System − physicians for these cases and new physicians.",
    Estimand.E6: "System − system for new cases; no physician takes part.",
    Estimand.E7: "The share of physicians whose mean, each over their own cases, is worse than the system’s.",
    Estimand.E8: "The chance that a run of the system beats a random physician on a random case, a tie counting half.",
    Estimand.E9: "One arm of physicians − another, for new physicians and new cases.",
}

Term = tuple[str, str]


def legend(found: Findings) -> list[Term]:
    """Each term with its meaning; of what this analysis does not have, nothing."""
    return [
        _interval(found),
        ("p", "Two-sided, for no difference. Not adjusted for multiplicity, that is for the number of comparisons."),
        *_adjusted(found),
        _bootstrap(),
        *_bands(found),
        *_estimands(found),
        *_policies(found),
        _rounding(),
    ]


def ends_of_scale(found: Findings) -> list[tuple[str, str, str]]:
    """(measure, control, sentence) wherever respondents stand at the end of a measure: it has no room left there."""
    said = []
    for measure in found.measures:
        for arm in dict.fromkeys(row.contrast.control for row in found.rows):
            rows = found.of(MAIN, measure=measure.name, control=arm)
            for end in (1.0, 0.0):
                sentence = _at_end(rows, end, found.physicians(arm), binary=measure.scale == "binary")
                said += [] if sentence is None else [(measure.name, arm, sentence)]
    return said


def _interval(found: Findings) -> Term:
    level = percent(found.level)
    return (
        f"{level} interval",
        f"{level} confidence interval for the mean difference. Physicians and cases are treated as random samples of "
        "populations of such physicians and such cases, so it allows for other ones like these; the systems are the "
        f"ones named, and it says nothing of others.{_unbounded(found)}",
    )


def _unbounded(found: Findings) -> str:
    """That t knows no ends of a scale; of counts there is nothing to say."""
    scales = {measure.name: measure.scale for measure in found.measures}
    bounded = any(
        scales[row.contrast.measure] != "count" and row.contrast.default.refused is None
        for row in found.rows
        if row.contrast.measure in scales
    )
    return " An interval of a difference is not cut at the ends of the scale: it may pass −1 or 1." if bounded else ""


def _bootstrap() -> Term:
    return (
        "Bootstrap",
        "The percentile interval of the crossed bootstrap, for comparison; it carries the label “conservative in "
        "incomplete designs”. Its variance counts the noise within a cell more than once, so it tends to be wide where "
        "each physician read few of the cases. Yet it uses no t quantile, so with few physicians or few cases it can "
        "be narrower than the default. The default is the one whose coverage was measured, "
        "in designs of 30 and 100 cases.",
    )


def _adjusted(found: Findings) -> list[Term]:
    said = []
    if any(row.contrast.p_family == row.contrast.p_family for row in found.rows):
        said.append(
            "p_family, in the files, steps down over all systems on one measure by the largest studentised deviation "
            "(max-T), so it may be read for whichever system is looked at."
        )
    if any(row.p_holm == row.p_holm for row in found.rows):
        said.append(
            "“p, Holm” (p_holm in the files), under a p on another measure, is adjusted after Holm over the measures "
            "beyond the primary one, for the primary comparison's two sides."
        )
    return [("Adjusted p", " ".join(said))] if said else []


def _bands(found: Findings) -> list[Term]:
    if all(row.contrast.band is None for row in found.rows):
        return []
    meaning = (
        f"A band for each system, made so wide that in {percent(found.level)} of such studies all the bands together "
        "hold their system's true difference: for whoever compares several systems and looks at the best."
    )
    if any(row.contrast.policy for row in found.rows):
        meaning += (
            " Reference policies have none: they are yardsticks fixed beforehand, nobody picks the best of them, and "
            "counting them in would only widen the systems' bands."
        )
    return [("All systems at once", meaning)]


def _estimands(found: Findings) -> list[Term]:
    """Those that a table or a file names, and no other."""
    named = {
        *(one.estimand for one in (*found.sensitivities, *found.ahead)),
        *([Estimand.E1] if found.rows else []),
        *([Estimand.E6] if found.systems else []),
        *([Estimand.E9] if found.arms else []),
    }
    return [(str(estimand), meaning) for estimand, meaning in ESTIMANDS.items() if estimand in named]


def _policies(found: Findings) -> list[Term]:
    policies = [system.name for system in found.study.systems if system.policy]
    said = [POLICIES[name] for name in POLICIES if name in policies]
    return [("Reference policies", " ".join(said))] if said else []


def _rounding() -> Term:
    return (
        "Rounding",
        "Each figure is rounded by itself, here and nowhere else: 0.759 − 0.660 may stand beside a difference of "
        "0.098. The files hold twelve digits.",
    )


def _at_end(rows: tuple[Row, ...], end: float, physicians: str, *, binary: bool) -> str | None:
    """Physicians first: where they stand at the end, no respondent can be told from them in that direction."""
    what = ("had one" if binary else "is at 1") if end else ("had none" if binary else "is at 0")
    way = "upward" if end else "downward"
    if any(abs(row.contrast.control_value - end) < ROUNDING for row in rows):
        every = f"Every reading of {physicians} {what}"
        return f"{every}: this measure cannot tell respondents apart {way}."
    systems = (row.contrast for row in rows if not row.contrast.policy)
    there = sorted(contrast.test for contrast in systems if abs(contrast.test_value - end) < ROUNDING)
    if len(there) < 2:
        return None
    return f"Every answer of {listed(there)} {what}: this measure cannot tell them apart."
