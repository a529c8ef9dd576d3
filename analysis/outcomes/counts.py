"""From assigned to analysed: how many readings there were, and which kinds of nothing they ended in, by arm."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from study.cut import Cut
from study.progress import COMPLETED, SCORED, Ending

MISSING = tuple(ending for ending in Ending if ending not in SCORED)


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """One arm's readers and readings. `endings` has every ending, in the order of `Ending`.

    `withdrawn` are the readers who withdrew, `withdrawn_scored` their readings that count all the same.
    """

    arm: str
    readers: int
    readers_scored: int
    withdrawn: int
    withdrawn_scored: int
    assigned: int
    endings: tuple[tuple[Ending, int], ...]

    @property
    def scored(self) -> int:
        """In the primary analysis."""
        return sum(n for ending, n in self.endings if ending in SCORED)

    @property
    def completed(self) -> int:
        """In the sensitivity analysis *completed only*."""
        return sum(n for ending, n in self.endings if ending in COMPLETED)


def count(cut: Cut) -> tuple[ArmCounts, ...]:
    """The counts of every arm, in the protocol's order."""
    arms = list(dict.fromkeys([*(arm.id for arm in cut.protocol.arms), *(reading.arm for reading in cut.readings)]))
    return tuple(_count(cut, arm) for arm in arms)


def _count(cut: Cut, arm: str) -> ArmCounts:
    readings = [reading for reading in cut.readings if reading.arm == arm]
    endings = Counter(reading.ending for reading in readings)
    return ArmCounts(
        arm=arm,
        readers=len({reading.reader for reading in readings}),
        readers_scored=len({reading.reader for reading in readings if reading.ending in SCORED}),
        withdrawn=len({reading.reader for reading in readings if reading.reader in cut.withdrawn}),
        withdrawn_scored=sum(reading.reader in cut.withdrawn and reading.ending in SCORED for reading in readings),
        assigned=len(readings),
        endings=tuple((ending, endings[ending]) for ending in Ending),
    )


def count_rows(counts: Sequence[ArmCounts]) -> list[tuple[str, str, int]]:
    """The counts as rows of (arm, what, n): assigned, every ending, scored, completed."""
    rows: list[tuple[str, str, int]] = []
    for arm in counts:
        rows.append((arm.arm, "readers", arm.readers))
        rows.append((arm.arm, "readers with a scored reading", arm.readers_scored))
        rows.append((arm.arm, "readers who withdrew", arm.withdrawn))
        rows.append((arm.arm, "scored readings of readers who withdrew", arm.withdrawn_scored))
        rows.append((arm.arm, "assigned", arm.assigned))
        rows.extend((arm.arm, str(ending), n) for ending, n in arm.endings)
        rows.append((arm.arm, "scored (primary analysis)", arm.scored))
        rows.append((arm.arm, "completed only (sensitivity)", arm.completed))
    return rows
