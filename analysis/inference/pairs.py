"""Which readings a contrast compares: the pairs that exist, and a count of everything that found no partner."""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What found no partner: the control's readings, and the cases of the test that the control never read."""

    readings: int
    cases: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """The readings compared, as a mask over (readers, cases), and what was left out.

    `unanswered` are the cases (by column) that the control read and the test did not answer. `undefined` counts
    readings left out because the measure has no value there, for either side.
    """

    mask: Mask
    unmatched: Unmatched
    unanswered: tuple[int, ...] = ()
    undefined: int = 0


def system_pairs(read: Mask, answered: Mask, *, defined: Mask | None = None) -> Pairs:
    """Each reading of a case beside the system's answer to the same case.

    Parameters
    ----------
    read : (R, C) mask
        The readings that exist.
    answered : (C,) mask
        The cases that the system answered.
    defined : (R, C) mask, optional
        Where the measure has a value on both sides; everywhere, if not given.

    A case that was read and not answered is named in `unanswered`: the caller refuses it, or compares on common cases
    and says so. It is never left out silently.
    """
    answered_reading = read & answered
    mask = answered_reading if defined is None else answered_reading & defined
    was_read = read.any(axis=0)
    return Pairs(
        mask=mask,
        unmatched=Unmatched(readings=int(read.sum() - answered_reading.sum()), cases=int((answered & ~was_read).sum())),
        unanswered=tuple(int(case) for case in np.flatnonzero(was_read & ~answered)),
        undefined=int(answered_reading.sum() - mask.sum()),
    )


def panel_pairs(read_test: Mask, read_control: Mask) -> Pairs:
    """The same reader on the same case under both arms; shapes (R, C)."""
    both = read_test & read_control
    cases_test, cases_control = read_test.any(axis=0), read_control.any(axis=0)
    return Pairs(
        mask=both,
        unmatched=Unmatched(
            readings=int((read_test ^ read_control).sum()), cases=int((cases_test ^ cases_control).sum())
        ),
    )


def run_means(values: Floats, group: Ints, n_groups: int) -> Floats:
    """The mean of the values (N,) within each group, shape (n_groups,); NaN where a group has no value.

    Runs of one system on one case are such a group: they are averaged before anything else, so that they never count
    as cases of their own. NaN values are left out of their group's mean.
    """
    present = np.flatnonzero(np.isfinite(values))
    in_order = present[np.lexsort((values[present], group[present]))]  # whatever the order of the runs, the same digits
    total = np.asarray(np.bincount(group[in_order], weights=values[in_order], minlength=n_groups), dtype=np.float64)
    count = np.bincount(group[present], minlength=n_groups)
    found: Floats = np.divide(total, count, out=np.full(n_groups, np.nan), where=count > 0)
    return found
