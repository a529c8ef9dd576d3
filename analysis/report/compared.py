"""A comparison as people read it: what was compared, how far apart, how sure, and for whom it holds."""

import math

from analysis.compare import Comparison
from analysis.inference.estimate import Estimand, Estimate, Weighting
from analysis.inference.refusals import few_readers
from analysis.wording import counted, equals_p, interval, listed, percent, plain, signed

SHARES = {
    Estimand.E7: "the share of readers beaten",
    Estimand.E8: "the chance to beat a random reader on a random case",
}
FACTORS = {"reader": "readers", "case": "cases", "run": "runs"}

COUNTED = {Weighting.PAIR: "reading", Weighting.CASE: "case", Weighting.READER: "reader"}
OWN_WEIGHTS = "weights of its own"

Line = tuple[str, str]


def comparison_lines(found: Comparison) -> list[str]:
    """A few lines, rounded; `comparison_json` has every digit. A refusal is a sentence in the interval's place."""
    lines = [_estimate(found), *_sureness(found), *_margin(found), *_basis(found)]
    wide = max(len(name) for name, _ in lines)
    return [_compared(found), *(f"{name.ljust(wide)}  {said}" for name, said in lines)]


def _compared(found: Comparison) -> str:
    question, share = found.question, SHARES.get(found.estimand) if found.estimand else None
    sides = f"{question.test} − {question.control}" if share is None else f"{question.test} against {question.control}"
    better = "" if found.better is None else f" ({found.better} is better)"
    return (
        f"{sides}{'' if found.measure is None else f', {found.measure}'}{better}{'' if share is None else f': {share}'}"
    )


def _estimate(found: Comparison) -> Line:
    value, places = found.estimate.value, _places(found)
    return "estimate", plain(value, places) if found.estimand in SHARES else signed(value, places)


def _sureness(found: Comparison) -> list[Line]:
    """The interval with its p and everything that must be said beside it, or why there is none."""
    estimate, places = found.estimate, _places(found)
    if estimate.refused is not None:
        return [("interval", f"none. {estimate.refused.reason}")]
    df = "" if not math.isfinite(estimate.df) else f"; df {estimate.df:.1f}"
    p = "" if math.isnan(estimate.p) else f"; two-sided {equals_p(estimate.p)} for no difference"
    said = [(f"{100 * estimate.level:g} % interval", f"{interval(estimate.low, estimate.high, places)}{df}{p}")]
    return said + [("", beside) for beside in (estimate.label, few_readers(estimate)) if beside]


def _margin(found: Comparison) -> list[Line]:
    """What the interval says beside the margin, which of equivalence is a narrower one."""
    question, beside = found.question, found.beside_margin
    if question.margin is None or beside is None or found.conclusion is None:
        return []
    of = "different by the margin or more" if question.equivalence else "worse by the margin or more"
    narrower = (
        f", {100 * beside.level:g} % interval {interval(beside.low, beside.high, _places(found))}"
        if question.equivalence
        else ""
    )
    p = "" if math.isnan(found.p_margin) else f"; one-sided {equals_p(found.p_margin)} for {of}"
    return [(f"margin {question.margin:g}", f"{found.conclusion}{narrower}{p}")]


def _basis(found: Comparison) -> list[Line]:
    """The method, what is random, and what it was made from."""
    estimate = found.estimate
    named = [str(found.estimand)] if found.estimand else []
    named += [f"every {COUNTED[estimate.weighting]} counting the same" if estimate.weighting else OWN_WEIGHTS]
    drawn = [f"{estimate.draws:,} draws, seed {estimate.seed}"] if estimate.draws else []
    within = f" ({'; '.join(named + drawn)})" if named or drawn else ""
    counts = [counted(estimate.n_cases, "case")]
    if estimate.n_readers:
        counts = [counted(estimate.n_readings, "reading"), counted(estimate.n_readers, "reader"), *counts]
    left = found.unmatched
    out = [counted(left.readings, "reading")] if left.readings else []
    out += [counted(left.cases, "case")] if left.cases else []
    return [
        ("method", f"{estimate.method}{within}"),
        ("random", f"{listed([FACTORS[factor] for factor in estimate.random])}{_shares(estimate)}"),
        ("from", ", ".join(counts) + (f"; without a partner, left out: {listed(out)}" if out else "")),
    ]


def _shares(estimate: Estimate) -> str:
    """How much of the estimate's variance each source brings; nothing of a method that does not take it apart."""
    shares = {part: getattr(estimate.shares, part) for part in ("reader", "case", "cell")}
    if any(math.isnan(share) for share in shares.values()):
        return ""
    return f"; share of variance: {', '.join(f'{part} {percent(share)}' for part, share in shares.items())}"


def _places(found: Comparison) -> int:
    """Decimals that give the half-width, or without one the estimate, three digits."""
    estimate = found.estimate
    size = abs(estimate.value) if estimate.refused is not None else (estimate.high - estimate.low) / 2
    if not math.isfinite(size) or size == 0:
        return 3
    return max(2 - math.floor(math.log10(size)), 0)
