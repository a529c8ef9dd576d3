"""Harms per 100 cases by kind and severity, and which share of them are omissions: alone, and system − physicians.

A count of harms is a measure like any other: the mean over readings, with the same intervals and the same refusals. A
share of omissions is a ratio of sums. One group of alternatives that was missed may count as several harms where the
profile says so; rates of cases with a harm do not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from analysis.inference.bootstrap import Draws
from analysis.inference.estimate import Components, Estimate, Floats
from analysis.outcomes.contrasts import Contrast, contrasts
from analysis.outcomes.frame import HARM_ROWS, Frame, MeasureTable, PhysicianArm, Terms
from analysis.outcomes.values import Value, values
from study.profile import Better, Measure, MeasureKind, Scale

PER = 100
SINGLE = len(HARM_ROWS)
"""How many of `GROUPS` are of one kind and one severity: the first ones, in the order of `HARM_ROWS`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Harms that are counted together; None: of every kind, or of every severity. `columns` are as in `HARM_ROWS`."""

    kind: str | None
    severity: str | None

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(
            place
            for place, (kind, severity) in enumerate(HARM_ROWS)
            if self.kind in (None, kind) and self.severity in (None, severity)
        )

    @property
    def label(self) -> str:
        """`severe omission`, `severe harm`, `omission`, `harm`."""
        what = self.kind or "harm"
        return what if self.severity is None else f"{self.severity} {what}"

    @property
    def name(self) -> str:
        """As a column: `severe_omission`."""
        return self.label.replace(" ", "_")


def _groups() -> Iterator[Group]:
    kinds, severities = (tuple(dict.fromkeys(words)) for words in zip(*HARM_ROWS, strict=True))
    yield from (Group(kind, severity) for kind, severity in HARM_ROWS)
    yield from (Group(None, severity) for severity in severities)
    yield from (Group(kind, None) for kind in kinds)
    yield Group(None, None)


GROUPS = tuple(_groups())
"""Each kind at each severity; each severity; each kind; all."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the harms: those `of` one group, of all that are in `among`."""

    name: str
    label: str
    of: Group
    among: Group


SHARES = (
    Share("omission_share", "Share of harms that are omissions", Group("omission", None), Group(None, None)),
    Share("commission_share", "Share of harms that are commissions", Group("commission", None), Group(None, None)),
    Share(
        "severe_omission_share",
        "Share of severe harms that are omissions",
        Group("omission", "severe"),
        Group(None, "severe"),
    ),
)
"""The first edition's profile has an `omission_share` of its own (`study.measures`): the same ratio of sums, there
among the profile's measures, here under every profile.
"""


@dataclass(frozen=True, slots=True)
class HarmRate:
    """How often one respondent does one group of harms; `value.estimate` is per 100 cases."""

    group: Group
    value: Value


@dataclass(frozen=True, slots=True)
class HarmDifference:
    """A system − physicians in one group of harms, in harms per 100 cases."""

    group: Group
    contrast: Contrast


def harm_rates(study: Frame, arm: PhysicianArm, *, level: float) -> tuple[HarmRate, ...]:
    """Harms per 100 cases of the arm and of every system on the arm's cases, group by group.

    Parameters
    ----------
    study : Frame
    arm : PhysicianArm
        Its readings and its cases; a system's cases are weighted as they were read.
    level : float
        Two-sided coverage.

    Returns
    -------
    tuple of HarmRate
        Physicians: readers and cases random. A system: cases random, runs averaged. Student's t on the log scale, so
        that no interval reaches below 0. Refused, with a reason, where there is no variance: no harm of a group in any
        reading says nothing of how many there might be.
    """
    tables = harm_tables(study)
    return tuple(
        HarmRate(group, replace(value, estimate=per_hundred(value.estimate)))
        for group in GROUPS
        for value in values(study, tables[group.name], arm, level=level)
    )


def harm_differences(
    study: Frame, arm: PhysicianArm, draws: Draws, *, level: float, mixed_modes: bool
) -> tuple[HarmDifference, ...]:
    """Every system − the arm in harms per 100 cases, group by group.

    Parameters
    ----------
    draws : Draws
        Of all readers and all cases of the frame; the same as for every other measure.
    mixed_modes : bool
        Whether the protocol allows a comparison of respondents who answered in different ways.

    Returns
    -------
    tuple of HarmDifference
        Over the pairs that exist, readers and cases random: the two-way interval, the crossed bootstrap beside it.
        Refused as every contrast is; NaN then.
    """
    tables = harm_tables(study)
    return tuple(
        HarmDifference(group, _per_hundred(contrast))
        for group in GROUPS
        for contrast in contrasts(study, tables[group.name], arm, draws, level=level, mixed_modes=mixed_modes)
    )


def share_values(study: Frame, arm: PhysicianArm, *, level: float) -> tuple[Value, ...]:
    """Which share of the harms are omissions, by respondent.

    Returns
    -------
    tuple of Value
        Proportions: ratios of sums over readings (physicians) or cases (a system), by linearisation, Student's t on
        the logit scale. NaN and refused where there is no such harm.
    """
    return tuple(value for table in share_tables(study).values() for value in values(study, table, arm, level=level))


def share_contrasts(
    study: Frame, arm: PhysicianArm, draws: Draws, *, level: float, mixed_modes: bool
) -> tuple[Contrast, ...]:
    """Every system − the arm in the share of harms that are omissions.

    Returns
    -------
    tuple of Contrast
        Differences of ratios of sums, in proportions, over the pairs that exist; readers and cases random. `draws` and
        `mixed_modes` as in `harm_differences`.
    """
    return tuple(
        contrast
        for table in share_tables(study).values()
        for contrast in contrasts(study, table, arm, draws, level=level, mixed_modes=mixed_modes)
    )


def harm_tables(study: Frame) -> Mapping[str, MeasureTable]:
    """Each group of harms as a measure, in harms a case, by the group's name."""
    return {group.name: _table(study, _count_of(group), group, None) for group in GROUPS}


def share_tables(study: Frame) -> Mapping[str, MeasureTable]:
    """Each share of harms as a ratio of sums, by the share's name."""
    return {share.name: _table(study, _ratio_of(share), share.of, share.among) for share in SHARES}


def per_hundred(estimate: Estimate) -> Estimate:
    """The estimate in a hundred times its unit."""
    found = estimate.components
    return replace(
        estimate,
        value=PER * estimate.value,
        se=PER * estimate.se,
        low=PER * estimate.low,
        high=PER * estimate.high,
        components=Components(PER**2 * found.case, PER**2 * found.reader, PER**2 * found.cell),
    )


def _per_hundred(contrast: Contrast) -> Contrast:
    band = contrast.band
    return replace(
        contrast,
        test_value=PER * contrast.test_value,
        control_value=PER * contrast.control_value,
        default=per_hundred(contrast.default),
        bootstrap=per_hundred(contrast.bootstrap),
        band=None if band is None else replace(band, low=PER * band.low, high=PER * band.high),
    )


@cache
def _count_of(group: Group) -> Measure:
    return Measure(group.name, group.label.capitalize() + "s", better=Better.LOWER, scale=Scale.COUNT)


@cache
def _ratio_of(share: Share) -> Measure:
    return Measure(share.name, share.label, MeasureKind.RATIO, better=Better.LOWER, undefined="no harm")


def _table(study: Frame, measure: Measure, of: Group, among: Group | None) -> MeasureTable:
    return MeasureTable(
        measure,
        {name: _terms(counts, of, among) for name, counts in study.harms.arms.items()},
        _terms(study.harms.systems, of, among),
        np.zeros(study.answered.shape, dtype=np.int64),
    )


def _terms(counts: Floats, of: Group, among: Group | None) -> Terms:
    """Above the line the harms of the group; below it 1 for every reading, or the harms that they are a share of."""
    above = counts[..., of.columns].sum(axis=-1)
    below = np.where(np.isfinite(above), 1.0, np.nan) if among is None else counts[..., among.columns].sum(axis=-1)
    return Terms(above, below)
