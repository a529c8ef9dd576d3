"""How often the primary comparison's system is ahead: of how many physicians, and of a random one on a random case."""

import numpy as np

from analysis.inference.beats import EVEN, beats, chance_ahead, physicians_beaten
from analysis.inference.bootstrap import Draws
from analysis.inference.estimate import Estimand, Floats
from analysis.inference.layout import layout_of
from analysis.inference.refusals import refuse_variants, withheld
from analysis.inference.twoway import twoway
from analysis.outcomes.cells import Cells
from analysis.outcomes.frame import Frame
from analysis.outcomes.sensitivity import Sensitivity


def how_often_ahead(
    study: Frame,
    compared: Cells,
    by_run: Floats,
    readings: Floats,
    draws: Draws,
    *,
    level: float,
    higher_is_better: bool,
) -> tuple[Sensitivity, ...]:
    """E7 and E8 of one system against the physicians, on a measure with one value a reading.

    Parameters
    ----------
    study : Frame
    compared : Cells
        The readings compared, with their differences; influences have no sign of their own, and give nothing.
    by_run : (K, C) array
        The system's value in each of its K runs; NaN: no answer.
    readings : (R, C) array
        The physicians' values; NaN: not read.
    draws : Draws
        Of all readers and all cases, as everywhere.
    level, higher_is_better
        Of the intervals; and which of two values is the better one.

    Returns
    -------
    tuple of Sensitivity
        Both between 0 and 1, and 0.5 where neither side is ahead; physicians and cases random. Neither has a p.
    """
    if compared.influences:
        return ()
    variants = refuse_variants(study.cases, study.bases, compared.mask)
    rows, columns = np.flatnonzero(compared.mask.any(axis=1)), np.flatnonzero(compared.mask.any(axis=0))
    ours = Draws(draws.readers[:, rows], draws.cases[:, columns], draws.seed)
    turned = compared.table if higher_is_better else -compared.table
    share = physicians_beaten(turned[np.ix_(rows, columns)], ours, level=level)
    won = beats(by_run, readings, higher_is_better=higher_is_better)[compared.mask]
    chance = chance_ahead(twoway(won - EVEN, layout_of(compared.mask), level=level))
    return (
        Sensitivity("share of the physicians that the system is ahead of", Estimand.E7, withheld(share, variants)),
        Sensitivity(
            "chance to be ahead of a random physician on a random case", Estimand.E8, withheld(chance, variants)
        ),
    )
