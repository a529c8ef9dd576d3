"""A load that goes on: nothing may pile up. Memory, descriptors and SQLite's write-ahead log, while readers save.

The mix and the way of serving are those of `load.py`, far below saturation, and `primum worker` runs beside it.
gunicorn starts its processes anew after so many requests only where it is told to (--max-requests), which would hide
a leak: here it is not told, and that no process was replaced is counted.
What is compared is the end with the time after a warm-up, in which caches and pools are filled: it begins with a crowd.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _drill import SQLITE, note, parser
from _figures import figure
from _loading import THREADS, Target, loaded, says
from _site import Site

RATE, READERS, CROWD = 80, 200, 32
MINUTES, WARM_MINUTES, MINUTE_S = 23.0, 3.0, 60.0
MOST_GROWTH_PERCENT, MOST_WAL_MIB = 5, 64
POOLS = 2 * THREADS
"""What a process may still open after seconds: for each thread a connection, which is two files."""
SETTLED_S, SETTLES_WITHIN_S = 1.0, 15.0
WAL_EACH_S = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """What the processes of a site hold when nothing is asked of them, by process id."""

    resident_kib: Mapping[int, int]
    descriptors: Mapping[int, int]


@dataclass(slots=True)
class Wal:
    """The largest write-ahead log that was seen, in bytes."""

    file: Path
    most: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.stop.wait(WAL_EACH_S):
            self.most = max(self.most, self.file.stat().st_size if self.file.exists() else 0)


def processes(made: Site) -> dict[int, str]:
    """Who must not grow: the web's workers, and ours."""
    assert made.worker is not None
    return {**dict.fromkeys(made.web_workers(), "web"), made.worker.pid: "worker"}


def sample(made: Site) -> Sample:
    pids = list(processes(made))
    return Sample({pid: resident_kib(pid) for pid in pids}, settled(dict.fromkeys(pids, 0)))


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1])


def settled(counts: dict[int, int]) -> dict[int, int]:
    """Open descriptors, once they have stayed the same for a second: connections that ended are closed a bit later."""
    gives_up_at, since = time.monotonic() + SETTLES_WITHIN_S, time.monotonic()
    while time.monotonic() - since < SETTLED_S and time.monotonic() < gives_up_at:
        time.sleep(0.1)
        now = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in counts}
        if now != counts:
            counts, since = now, time.monotonic()
    return counts


@contextmanager
def watched(made: Site) -> Iterator[Wal]:
    wal = Wal(Path(f"{made.database.url.database}-wal"))
    thread = threading.Thread(target=wal.watch)
    thread.start()
    try:
        yield wal
    finally:
        wal.stop.set()
        thread.join()


def soak(ours: Target, made: Site, *, phases: int, warm: int, seconds: float) -> tuple[list[dict[str, Any]], Sample]:
    """What came of each phase, and the sample after the last of the `warm` ones."""
    came, after_warm = [ours.closed_loop("save", readers=CROWD, seconds=2)], None
    for number in range(1, phases + 1):
        came.append(ours.open_loop(rate=RATE, seconds=seconds))
        now = sample(made)
        if number == warm:
            after_warm = now
        held = ", ".join(f"{processes(made)[pid]} {kib / 1024:.1f} MiB" for pid, kib in now.resident_kib.items())
        note(f"{number} of {phases} × {seconds:.0f} s: {says(came[-1])}; {held}; {sum(now.descriptors.values())} open")
    assert after_warm is not None
    return came, after_warm


def tell(
    came: list[dict[str, Any]], before: Sample, after: Sample, names: Mapping[int, str], wal: Wal, *, judged: bool
) -> None:
    errors = sum(sum(phase["errors"].values()) for phase in came)
    figure("soak: answers", sum(phase["answered"] for phase in came), "")
    figure("soak: errors", errors, "", target=0, holds=not errors)
    replaced = len(before.resident_kib.keys() ^ after.resident_kib.keys())
    figure("soak: processes that were replaced", replaced, "", target=0, holds=not replaced)
    stayed = before.resident_kib.keys() & after.resident_kib.keys()
    for kind in ("web", "worker"):
        grown = [after.resident_kib[pid] / before.resident_kib[pid] - 1 for pid in stayed if names[pid] == kind]
        most = 100 * max(grown, default=0.0)
        if judged:
            holds = most < MOST_GROWTH_PERCENT
            figure(f"soak: growth of memory, {kind}", most, "%", target=MOST_GROWTH_PERCENT, holds=holds)
        else:
            figure(f"soak: growth of memory, {kind} (too short to be judged)", most, "%")
    more = max((after.descriptors[pid] - before.descriptors[pid] for pid in stayed), default=0)
    most_more = 0 if judged else POOLS
    figure("soak: growth of open descriptors", more, "", target=most_more, holds=more <= most_more)
    mib = wal.most / 2**20
    figure("soak: largest write-ahead log", mib, "MiB", target=MOST_WAL_MIB, holds=mib < MOST_WAL_MIB)


def main() -> None:
    asking = parser(__doc__ or "")
    asking.add_argument("--minutes", type=float, default=MINUTES, help="all of it; the first three warm it up")
    asked = asking.parse_args()
    if asked.short:
        # Caches and pools fill for minutes, so in seconds memory is told and not judged.
        phases, warm, seconds = 2, 1, 2.0
    else:
        phases, seconds = max(2, round(asked.minutes)), MINUTE_S
        warm = min(round(WARM_MINUTES), phases - 1)
    with loaded(SQLITE, readers=20 if asked.short else READERS, worker=True) as (made, ours), watched(made) as wal:
        came, before = soak(ours, made, phases=phases, warm=warm, seconds=seconds)
        tell(came, before, sample(made), processes(made), wal, judged=not asked.short)


if __name__ == "__main__":
    main()
