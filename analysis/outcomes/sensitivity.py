"""The primary comparison once more, by every method that can make it: what moves when the assumptions do."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from analysis.inference.conditional import new_cases, new_readers
from analysis.inference.estimate import BY_WEIGHTS, Estimand, Estimate, Weighting
from analysis.inference.orh import orh
from analysis.inference.refusals import refuse_variants, withheld
from analysis.inference.reml import reml
from analysis.inference.robust import robust
from analysis.inference.twoway import semivariance, twoway
from analysis.outcomes.cells import Cells
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.frame import Frame
from analysis.outcomes.missing import Missing, filled
from analysis.wording import counted

DEFAULT, BESIDE = "two-way, closed form (the default)", "crossed bootstrap"
"""The two looks that every difference has, and not only the primary one."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One more look at one difference: `what` is the method in words."""

    what: str
    estimand: Estimand
    estimate: Estimate

    @property
    def conditional(self) -> bool:
        """Whether it generalises over less than physicians and cases both."""
        return self.estimate.random != ("reader", "case")


def sensitivities(
    study: Frame, primary: Contrast, compared: Cells, completed: Contrast | None, missing: Missing | None
) -> tuple[Sensitivity, ...]:
    """The primary difference by every method; the default and its bootstrap first, what is conditional last.

    Parameters
    ----------
    study : Frame
    primary : Contrast
        The protocol's comparison, with its value.
    compared : Cells
        Its N readings.
    completed : Contrast, optional
        The same over readings that were handed in before time.
    missing : Missing, optional
        What could be filled in; None: nothing.

    Returns
    -------
    tuple of Sensitivity
        A method that is of one value a reading (a mixed model, analysis of variance, other weights) is not in it where
        the measure is made of sums over readings.
    """
    variants = refuse_variants(study.cases, study.bases, compared.mask)
    level = primary.default.level
    made = [
        Sensitivity(DEFAULT, Estimand.E1, primary.default),
        Sensitivity(BESIDE, Estimand.E1, primary.bootstrap),
        *(
            replace(one, estimate=withheld(one.estimate, variants))
            for one in (*_both_random(compared, level), *_conditional(compared, level))
        ),
    ]
    if missing is not None:
        variants = refuse_variants(study.cases, study.bases, compared.mask | missing.absent)
        made[2:2] = [replace(one, estimate=withheld(one.estimate, variants)) for one in _filled(missing, level)]
    if completed is not None:
        made.insert(2, Sensitivity("two-way, completed readings only", Estimand.E1, completed.default))
    return tuple(made)


def _filled(missing: Missing, level: float) -> Iterator[Sensitivity]:
    for where, estimate in filled(missing, level=level).items():
        yield Sensitivity(f"two-way, {counted(missing.n, 'missing reading')} {where}", Estimand.E1, estimate)


def _both_random(compared: Cells, level: float) -> Iterator[Sensitivity]:
    values, layout = compared.values, compared.layout
    of_influences = compared.value if compared.influences else None
    apart = semivariance(values, layout, level=level, value=of_influences)
    yield Sensitivity("two-way, from differences of readings", Estimand.E1, apart)
    yield Sensitivity("two-way cluster-robust", Estimand.E1, robust(values, layout, level=level, value=of_influences))
    if compared.influences:
        return
    yield Sensitivity("mixed model (REML), weights of its own", Estimand.E1, reml(values, layout, level=level))
    yield Sensitivity(
        "analysis of variance (Obuchowski–Rockette–Hillis)", Estimand.E1, orh(values, layout, level=level)
    )
    for weighting, what in (
        (Weighting.CASE, "two-way, every case counting the same"),
        (Weighting.READER, "two-way, every physician counting the same"),
    ):
        yield Sensitivity(what, BY_WEIGHTS[weighting], twoway(values, layout, level=level, weighting=weighting))


def _conditional(compared: Cells, level: float) -> Iterator[Sensitivity]:
    if compared.influences:
        return
    values, layout = compared.values, compared.layout
    yield Sensitivity("cases alone", Estimand.E4, new_cases(values, layout, level=level))
    yield Sensitivity("physicians alone", Estimand.E5, new_readers(values, layout, level=level))
