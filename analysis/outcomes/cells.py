"""One contrast reading by reading: what every physician on every case adds to it."""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Mask, Weighting
from analysis.inference.influence import difference
from analysis.inference.layout import Layout, layout_of, weights_of
from analysis.inference.pairs import system_pairs
from analysis.outcomes import sides
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm


@dataclass(frozen=True, slots=True)
class Cells:
    """System − physician at each reading that is compared.

    `mask` (R, C) says which, `values` (N,) are in row-major order and in the measure's units: of a mean the
    differences themselves, otherwise the influences about `value`, the difference of the two sides.
    """

    test: str
    mask: Mask
    values: Floats
    value: float
    influences: bool

    @property
    def layout(self) -> Layout:
        return layout_of(self.mask)

    @property
    def table(self) -> Floats:
        """The values at (reader, case), shape (R, C); NaN where there is no pair."""
        laid_out = np.full(self.mask.shape, np.nan)
        laid_out[self.mask] = self.values
        return laid_out


def cells(study: Frame, table: MeasureTable, arm: PhysicianArm, system: int, *, within: Mask | None = None) -> Cells:
    """The readings at which system and physician both have a value.

    Parameters
    ----------
    study : Frame
        The study, with K systems, R readers and C cases.
    table, arm : MeasureTable, PhysicianArm
        The measure and the physicians.
    system : int
        The system's row, of K.
    within : (C,) bool array, optional
        Only these cases.
    """
    read = arm.read if within is None else arm.read & within
    defined = sides.defined(table, arm.name)[system]
    mask = system_pairs(read, study.answered[system], defined=defined).mask
    weights = weights_of(layout_of(mask), Weighting.PAIR) if mask.any() else np.zeros(0)
    name = study.systems[system].name
    if not mask.any():
        return Cells(name, mask, weights, float("nan"), table.measure.kind != "mean")
    value, influence = difference(*sides.in_study(table, arm.name, system, mask, weights))
    if table.measure.kind == "mean":
        return Cells(name, mask, sides.differences(table, arm.name, system, mask), value, False)
    return Cells(name, mask, influence, value, True)
