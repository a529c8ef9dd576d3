"""Everything that one analysis of one study finds, unrounded, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.inference.estimate import NAN, Estimate
from analysis.inference.heterogeneity import Heterogeneity
from analysis.inference.margins import Conclusion, conclude, p_worse_by_margin
from analysis.outcomes.agreement import Reliability
from analysis.outcomes.arms import ArmContrast
from analysis.outcomes.cells import Cells
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.counts import ArmCounts
from analysis.outcomes.frame import Frame
from analysis.outcomes.harms import HarmRate
from analysis.outcomes.laid import LEVEL
from analysis.outcomes.missing import TippingPoint
from analysis.outcomes.numbers import Needed
from analysis.outcomes.sensitivity import Sensitivity
from analysis.outcomes.specialties import OfSpecialty
from analysis.outcomes.systems import SystemPair
from analysis.outcomes.times import CaseTime
from analysis.outcomes.values import Value
from study.cut import Cut
from study.profile import Better, Measure
from study.rubric import Rubric

MAIN, COMPLETED_ONLY, HARMS = "main", "completed only", "harms"
"""All readings; those handed in before time; and counts of harms rather than the profile's measures."""
PROPORTION, PER_HUNDRED = "proportion", "per 100 cases"


@dataclass(frozen=True, slots=True)
class Row:
    """A contrast with the id under which every table, figure and sentence refers to it.

    `p_holm`: of the primary comparison's two sides on another measure, p adjusted over all such measures; NaN for all
    other rows.
    """

    id: str
    analysis: str
    contrast: Contrast
    unit: str = PROPORTION
    p_holm: float = NAN


@dataclass(frozen=True, slots=True)
class Findings:
    """One analysis: the rubric it was made under, what was counted, every contrast and value, and the draws.

    `sensitivities` are of the primary comparison, `ahead` how often its system is, `systems` that system against every
    other one, `cells` its readings one by one (of the best system where the protocol's comparison has no value),
    `apart` how far its differences lie apart between specialties.
    """

    cut: Cut
    rubric: Rubric
    study: Frame
    measures: tuple[Measure, ...]
    control: str
    counts: tuple[ArmCounts, ...]
    rows: tuple[Row, ...]
    values: tuple[Value, ...]
    harms: tuple[HarmRate, ...]
    needed: tuple[Needed, ...]
    arms: tuple[ArmContrast, ...]
    sensitivities: tuple[Sensitivity, ...]
    tipping: TippingPoint | None
    ahead: tuple[Sensitivity, ...]
    systems: tuple[SystemPair, ...]
    specialties: tuple[OfSpecialty, ...]
    apart: Heterogeneity | None
    times: tuple[CaseTime, ...]
    limits: Mapping[str, float]
    cells: Cells | None
    agreement: Reliability
    seed: int
    draws: int
    draws_digest: str
    within_specialties_digest: str
    level: float = LEVEL

    @property
    def measure(self) -> Measure:
        """The measure of the primary comparison; where the profile lacks it, or none is named, the profile's first."""
        return self.measures[0]

    @property
    def lacks_primary(self) -> bool:
        """Whether the protocol names a primary measure that this profile does not have."""
        wanted = self.cut.protocol.primary
        return wanted is not None and wanted.measure != self.measure.name

    @property
    def sensitivity(self) -> str | None:
        """How this scoring departs from the protocol's, as a sentence; None: it does not."""
        planned, rubric = self.cut.protocol.scoring, self.rubric
        if (rubric.profile.id, rubric.consensus) == (planned.profile, planned.consensus):
            return None
        return (
            f"A sensitivity analysis: scored under the profile {rubric.profile.id} and the consensus rule "
            f"{rubric.consensus}; the protocol names {planned.profile} and {planned.consensus}."
        )

    @property
    def primary(self) -> Row | None:
        """The protocol's primary comparison. None: it names none, or one that is not a system against an arm."""
        wanted = self.cut.protocol.primary
        if wanted is None:
            return None
        key = (wanted.test, wanted.control, wanted.measure)
        for row in self.of(MAIN):
            if (row.contrast.test, row.contrast.control, row.contrast.measure) == key:
                return row
        return None

    @property
    def primary_arms(self) -> ArmContrast | None:
        """The protocol's primary comparison, where it is of two arms of physicians; None: it is another, or none."""
        wanted = self.cut.protocol.primary
        if wanted is None:
            return None
        key = (wanted.test, wanted.control, wanted.measure)
        return next((one for one in self.arms if (one.test.arm, one.control.arm, one.measure) == key), None)

    @property
    def primary_estimate(self) -> Estimate | None:
        """The default estimate of the primary comparison, whichever two sides it has; None: it is not made here."""
        row, between = self.primary, self.primary_arms
        if row is not None:
            return row.contrast.default
        return None if between is None else between.default

    @property
    def conclusion(self) -> Conclusion | None:
        """What the primary interval says beside the protocol's margin; None: no margin, or no interval."""
        primary, wanted = self.primary_estimate, self.cut.protocol.primary
        if primary is None or wanted is None or wanted.margin is None:
            return None
        return conclude(primary, margin=wanted.margin, higher_is_better=self._higher)

    @property
    def p_margin(self) -> float:
        """One-sided p of *worse by the margin*; NaN where there is none."""
        primary, wanted = self.primary_estimate, self.cut.protocol.primary
        if primary is None or wanted is None or wanted.margin is None:
            return NAN
        return p_worse_by_margin(primary, margin=wanted.margin, higher_is_better=self._higher)

    def physicians(self, arm: str) -> str:
        """How the physicians of an arm are called: by their arm only where there are several."""
        return "the physicians" if len(self.counts) == 1 else f"the physicians ({arm})"

    @property
    def _higher(self) -> bool:
        return self.measure.better is Better.HIGHER

    def of(self, analysis: str, *, measure: str | None = None, control: str | None = None) -> tuple[Row, ...]:
        """The rows of one analysis, of one measure and one control where named."""
        return tuple(
            row
            for row in self.rows
            if row.analysis == analysis
            and measure in (None, row.contrast.measure)
            and control in (None, row.contrast.control)
        )
