"""The power fails while readers save: whatever was acknowledged must stand, whole, in what the disk may then hold.

A sitting of the real store on SQLite is recorded, write by write, with each acknowledgement in its place. Then the
power fails at random places of the recording, and of what was not synced the disk holds nothing, half, the first
part, or single sectors (`_disk` says what is taken for granted: names are kept at once). The real database is opened
on what is left.
With `synchronous=FULL`, which we ship, nothing acknowledged may be missing and nothing may be damaged. With NORMAL
acknowledged saves must be missing, and with OFF databases must be damaged: else the drill would not see it.
The index of the write-ahead log (-shm) is left out: it is made anew after a crash.
"""

import multiprocessing
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _disk import Disk, Entry, Fate, Said
from _drill import note, parser
from _figures import figure
from _play import DATABASE, SAYS, Seat, Step, seated, steps
from _readers import enrol
from _recorder import CannotRecord, record
from _standing import Plan, Standing

from study.db import Database
from study.migrate import migrate

PLAYER = Path(__file__).with_name("_play.py")
UNSEEN = ("-shm", ".lock")
LIMIT_S = 6 * 3600
WHOLE_EACH = 20
"""Every so many cuts the whole audit is made too, of all chains of the database."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """A recording: what the files were, what was written then, what they are now, and what was meant by it."""

    before: Mapping[str, bytes]
    entries: Sequence[Entry]
    after: Mapping[str, bytes]
    seats: Sequence[Seat]
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Cut:
    number: int
    at: int
    fate: Fate


def memory() -> str | None:
    """Where files cost no disk; None: wherever temporary files go. What a disk would lose is ours to decide."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  a folder of our own is made in it


def recorded(synchronous: str, *, readers: int, saves: int) -> Sitting:
    with tempfile.TemporaryDirectory(prefix="primum-sitting-", dir=memory()) as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder / DATABASE}")
        migrate(database)
        enrol(database, "s" * 40, readers, limit_s=LIMIT_S)
        with database.read() as session:
            _protocol, seats = seated(session)
        database.dispose()
        before = _files(folder)
        command = [sys.executable, str(PLAYER), name, synchronous, str(saves)]
        entries = record(command, folder, says=SAYS, unseen=UNSEEN)
        sitting = Sitting(before, entries, _files(folder), seats, steps(seats, saves))
        _check_whole(sitting)
        return sitting


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith((*UNSEEN, SAYS))}


def _check_whole(sitting: Sitting) -> None:
    """Played to its end, a recording leaves the very files that the program left; else it missed something."""
    disk = Disk(sitting.before)
    for entry in sitting.entries:
        disk.take(entry)
    if disk.seen() != sitting.after:
        raise CannotRecord("the recording does not lead to the files that the program left")


def cuts_of(sitting: Sitting, many: int, *, seed: int) -> list[Cut]:
    """In the order of time, so that a disk is filled once."""
    rng = random.Random(seed)  # noqa: S311  hides nothing
    places = sorted(rng.randint(0, len(sitting.entries)) for _ in range(many))
    return [Cut(number, at, list(Fate)[number % len(Fate)]) for number, at in enumerate(places)]


def standings(sitting: Sitting, cuts: Sequence[Cut]) -> Iterator[Standing]:
    """What stands after each of the cuts, which come in the order of time."""
    plan, disk, taken, acknowledged = Plan(sitting.seats, sitting.steps), Disk(sitting.before), 0, 0
    for cut in cuts:
        for entry in sitting.entries[taken : cut.at]:
            disk.take(entry)
            acknowledged += isinstance(entry, Said)
        taken = cut.at
        rng = random.Random(cut.number)  # noqa: S311  hides nothing
        with on_disk(disk.after(cut.fate, rng)) as database:
            yield plan.standing(database, acknowledged, whole=cut.number % WHOLE_EACH == 0)


@contextmanager
def on_disk(files: Mapping[str, bytearray]) -> Iterator[Database]:
    """The real database, on what a cut left."""
    with tempfile.TemporaryDirectory(prefix="primum-cut-", dir=memory()) as name:
        for file, data in files.items():
            (Path(name) / file).write_bytes(data)
        database = Database(f"sqlite:///{Path(name) / DATABASE}")
        yield database
        database.dispose()


def drill(sitting: Sitting, cuts: Sequence[Cut], *, told: str) -> list[Standing]:
    """All cuts, on as many processes as there are processors; each has a stretch of time of its own."""
    many = len(os.sched_getaffinity(0))
    stretch = max(1, len(cuts) // (8 * many))
    parts = [cuts[at : at + stretch] for at in range(0, len(cuts), stretch)]
    found: list[Standing] = []
    with multiprocessing.get_context("fork").Pool(many, _remember, (sitting,)) as pool:
        for part in pool.imap(_part, parts):
            found += part
            note(f"{told}: {len(found)} of {len(cuts)} cuts")
    return found


_sitting: list[Sitting] = []


def _remember(sitting: Sitting) -> None:
    """Inherited, not sent: a recording is some hundred megabytes."""
    _sitting.append(sitting)


def _part(cuts: Sequence[Cut]) -> list[Standing]:
    return list(standings(_sitting[0], cuts))


@dataclass(frozen=True, slots=True)
class Size:
    readers: int
    saves: int
    full: int
    other: int


def run(size: Size) -> None:
    for synchronous, many in (("FULL", size.full), ("NORMAL", size.other), ("OFF", size.other)):
        sitting = recorded(synchronous, readers=size.readers, saves=size.saves)
        note(f"{synchronous}: {len(sitting.steps)} transactions, {len(sitting.entries)} entries recorded")
        found = drill(sitting, cuts_of(sitting, many, seed=20261121), told=synchronous)
        _tell(synchronous, sitting, found, many)


def _tell(synchronous: str, sitting: Sitting, found: Sequence[Standing], many: int) -> None:
    losing, damaged = [one for one in found if one.lost], [one for one in found if one.faults]
    for one in damaged[:5] if synchronous == "FULL" else ():
        note("; ".join(one.faults[:5]))
    name = f"power cuts, {synchronous}"
    figure(f"{name}: transactions recorded", len(sitting.steps), "transactions")
    figure(f"{name}: cuts", len(found), "cuts", target=many, holds=len(found) >= many)
    match synchronous:
        case "FULL":
            lost = sum(one.lost for one in losing)
            figure(f"{name}: acknowledged writes lost", lost, "writes", target=0, holds=not losing)
            figure(f"{name}: cuts that damaged the database", len(damaged), "cuts", target=0, holds=not damaged)
        case "NORMAL":
            figure(f"{name}: cuts that lost acknowledged writes", len(losing), "cuts", target=1, holds=bool(losing))
            figure(f"{name}: most lost in one cut", max((one.lost for one in losing), default=0), "writes")
            figure(f"{name}: cuts that damaged the database", len(damaged), "cuts")
        case "OFF":
            figure(f"{name}: cuts that lost acknowledged writes", len(losing), "cuts")
            figure(f"{name}: cuts that damaged the database", len(damaged), "cuts", target=1, holds=bool(damaged))


def main() -> None:
    asked = parser(__doc__ or "").parse_args()
    size = Size(readers=10, saves=20, full=240, other=80) if asked.short else Size(48, 30, full=10_000, other=1_000)
    try:
        run(size)
    except CannotRecord as reason:
        note(f"not run: {reason}")
        figure("power cuts that could be drilled here", 0, "cuts")


if __name__ == "__main__":
    main()
