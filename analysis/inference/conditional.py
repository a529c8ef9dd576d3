"""Intervals that generalise over one factor only, each under its own label.

They are narrower than the default because they promise less: for other cases with these physicians, for other
physicians with these cases, or for the same system run again. Two systems on the same cases have no physicians at all,
and theirs is the whole truth there.
"""

from dataclasses import replace

import numpy as np

from analysis.inference.bootstrap import WITHIN_STRATA, Draws, Table, mean_differences
from analysis.inference.estimate import NAN, Estimate, Floats, Method, Refusal, RefusalCode, Weighting
from analysis.inference.exact import dot, magnitude, total
from analysis.inference.layout import Layout, weights_of
from analysis.inference.percentiles import from_draws
from analysis.inference.refusals import FEWEST_CASES, FEWEST_READERS, ZERO_VARIANCE, few_cases
from analysis.inference.student import t_quantile, t_two_sided
from analysis.inference.twoway import is_constant
from analysis.wording import counted

THESE_PHYSICIANS = "these physicians, new cases"
THESE_CASES = "these cases, new physicians"
THESE_SYSTEMS = "these systems, new cases"
RUN_TO_RUN = "run to run on these cases"
FEWEST_RUNS = 3


def new_cases(values: Floats, layout: Layout, *, level: float) -> Estimate:
    """E4: the mean over cases of each case's mean, for new cases read by these physicians.

    Parameters
    ----------
    values : (N,) array
        One finite quantity a reading: system − reader.
    layout : Layout
        Reader and case of each reading.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        Cases are random, readers are these; every case counts the same. Student's t on the cases' means, C − 1 degrees
        of freedom. NaN and `refused` with fewer than three cases, or where all cases' means are alike.
    """
    return _of_means(values, layout, Weighting.CASE, level=level)


def new_readers(values: Floats, layout: Layout, *, level: float) -> Estimate:
    """E5: the mean over readers of each reader's mean, for new physicians on these cases.

    As `new_cases`, with the two factors exchanged: readers are random, cases are these, every reader counts the same.
    """
    return _of_means(values, layout, Weighting.READER, level=level)


def _of_means(values: Floats, layout: Layout, weighting: Weighting, *, level: float) -> Estimate:
    by_case = weighting is Weighting.CASE
    estimate = Estimate(
        value=dot(weights_of(layout, weighting), values) if layout.n_readings else NAN,
        level=level,
        method=Method.CASES if by_case else Method.READERS,
        weighting=weighting,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        random=("case",) if by_case else ("reader",),
        label=THESE_PHYSICIANS if by_case else THESE_CASES,
    )
    if layout.n_readings == 0:
        return replace(estimate, refused=Refusal(RefusalCode.NO_PAIRS, "No reading can be paired."))
    if by_case and layout.n_cases < FEWEST_CASES:
        return replace(estimate, refused=few_cases(layout.n_cases))
    if not by_case and layout.n_readers < FEWEST_READERS:
        return replace(estimate, refused=_few_readers(layout.n_readers))
    scale = magnitude(values)
    sums = layout.by_case(values / scale) if by_case else layout.by_reader(values / scale)
    means = sums / (layout.per_case if by_case else layout.per_reader)
    return student(estimate, means, scale)


def _few_readers(n_readers: int) -> Refusal:
    reason = f"{counted(n_readers, 'reader')}; an interval for new readers needs at least {FEWEST_READERS}."
    return Refusal(RefusalCode.FEW_READERS, reason)


def student(estimate: Estimate, scaled: Floats, scale: float) -> Estimate:
    """The estimate with Student's t interval from the spread of independent values `scaled`·`scale`, at least two."""
    if is_constant(scaled):
        return replace(estimate, refused=ZERO_VARIANCE)
    about = scaled - total(scaled) / scaled.size
    df = scaled.size - 1.0
    se = (dot(about, about) / df / scaled.size) ** 0.5 * scale
    half = t_quantile((1 + estimate.level) / 2, df) * se
    return replace(
        estimate,
        se=se,
        df=df,
        low=estimate.value - half,
        high=estimate.value + half,
        p=t_two_sided(estimate.value / se, df),
    )


def between_systems(differences: Floats, *, level: float) -> Estimate:
    """E6: system − system, paired by case, for new cases.

    Parameters
    ----------
    differences : (C,) array
        Test − control on each case that both answered, runs averaged within the case.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        Cases are random; no reader takes part (`n_readers` and `n_readings` are 0). Student's t, C − 1 degrees of
        freedom. NaN and `refused` with fewer than three cases, or where all differences are alike.
    """
    estimate = of_systems(differences, Method.CASES, level=level)
    if estimate.refused is not None:
        return estimate
    scale = magnitude(differences)
    return student(estimate, differences / scale, scale)


def of_systems(differences: Floats, method: Method, *, level: float) -> Estimate:
    """The mean difference (C,) of two systems, without an interval yet; refused with fewer than three cases."""
    n = int(differences.size)
    return Estimate(
        value=total(differences) / n if n else NAN,
        level=level,
        method=method,
        weighting=Weighting.CASE,
        n_readers=0,
        n_cases=n,
        n_readings=0,
        random=("case",),
        label=THESE_SYSTEMS,
        refused=few_cases(n) if n < FEWEST_CASES else None,
    )


def runs(values: Floats, weights: Floats, estimate: Estimate) -> Estimate:
    """The same system run again on the same cases, everything else as it is: how far its runs alone move an estimate.

    Parameters
    ----------
    values : (K, C) array
        A system's value in each of its K runs on each compared case, in the measure's units; NaN: no answer.
    weights : (C,) array
        What each case weighs in the estimate, adding up to 1.
    estimate : Estimate
        The contrast, whose value stays; its counts and level are kept.

    Returns
    -------
    Estimate
        Runs are random, cases and readers are these. Student's t on the runs' means, K − 1 degrees of freedom. Refused
        with fewer than three runs (FEW_RUNS), where a run lacks a case (INCOMPLETE_TABLE), and where all runs' means
        are alike. It says nothing about other cases, and its width goes to 0 as runs are added.
    """
    bare = Estimate(
        value=estimate.value,
        level=estimate.level,
        method=Method.RUNS,
        weighting=estimate.weighting,
        n_readers=estimate.n_readers,
        n_cases=estimate.n_cases,
        n_readings=estimate.n_readings,
        random=("run",),
        label=RUN_TO_RUN,
    )
    refused = _refuse_runs(values)
    if refused is not None:
        return replace(bare, refused=refused)
    scale = magnitude(values)
    return student(bare, np.array([dot(run / scale, weights) for run in values]), scale)


def _refuse_runs(values: Floats) -> Refusal | None:
    if len(values) < FEWEST_RUNS:
        reason = f"{counted(len(values), 'run')}; an interval from run to run needs at least {FEWEST_RUNS}."
        return Refusal(RefusalCode.FEW_RUNS, reason)
    missing = int(np.isnan(values).any(axis=0).sum())
    if missing:
        reason = f"{counted(missing, 'case')} without an answer in every run; runs are compared on the same cases."
        return Refusal(RefusalCode.INCOMPLETE_TABLE, reason)
    return None


def case_bootstrap(per_case: Floats, draws: Draws, estimate: Estimate, *, within_strata: bool = False) -> Estimate:
    """A percentile interval of a mean over cases, from draws of the cases alone.

    Parameters
    ----------
    per_case : (C,) array
        One finite value a case, such as its mean difference.
    draws : Draws
        Of one reader, always drawn, and of the C cases, within strata where there are such.
    estimate : Estimate
        The same contrast with cases random and every case counting the same, such as `new_cases` gives. Its value,
        counts, level and label stay; its interval does not.
    within_strata : bool
        Whether cases were drawn within strata: new cases in the same numbers of each, and the label says so.

    Returns
    -------
    Estimate
        `se` is the standard deviation of the draws; `df` and `p` are NaN. Refused as the estimate was, and where all
        draws are alike.

    Notes
    -----
    Efron, Annals of Statistics 1979.
    """
    label = f"{estimate.label}; {WITHIN_STRATA}" if within_strata else estimate.label
    bare = replace(estimate, method=Method.CASE_BOOTSTRAP, label=label, se=NAN, df=NAN, low=NAN, high=NAN, p=NAN)
    scale = magnitude(per_case)
    one_reader = Table(-per_case[None, :] / scale, np.zeros((1, per_case.size)))
    return from_draws(bare, mean_differences(one_reader, draws)[:, 0] * scale, seed=draws.seed)
