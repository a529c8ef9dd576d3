"""kill −9 of web workers while forty readers save: what was acknowledged is there, once, and the chains verify.

A worker is killed every quarter of a second, as soon as a save was acknowledged since the last one: so each kill
meets a site that works, and mostly one that is in the middle of a save. gunicorn starts the next by itself.
Once enough were killed it happens every second, until enough was saved.
In short it is done on SQLite alone, where a worker can die with the lock of all writers in its hand.
"""

import os
import random
import signal
import statistics
import threading
import time
from contextlib import suppress

from _drill import SQLITE, note, parser
from _figures import figure
from _site import Site, engines, site
from _verdict import told, verdict
from _writers import Writer, acknowledged, writing

WORKERS, THREADS, WRITERS = 3, 16, 40
EVERY_S, LATER_EVERY_S, GIVES_UP_S = 0.25, 1.0, 900
FULL, SHORT = (50, 10_000), (5, 300)


def kill_until(made: Site, writers: list[Writer], *, kills: int, saves: int, stop: threading.Event) -> int:
    """Kill one worker after another until there were as many kills and acknowledgements; returns how many died."""
    rng = random.Random(1)  # noqa: S311  which worker, not a secret
    gives_up_at = time.monotonic() + GIVES_UP_S
    killed, seen = 0, acknowledged(writers)
    while (killed < kills or acknowledged(writers) < saves) and time.monotonic() < gives_up_at:
        if all(writer.refused for writer in writers):
            break
        stop.wait(EVERY_S if killed < kills else LATER_EVERY_S)
        if acknowledged(writers) == seen:
            continue
        seen = acknowledged(writers)
        workers = made.web_workers()
        if workers:
            with suppress(ProcessLookupError):  # it ended by itself between the look and the kill
                os.kill(rng.choice(workers), signal.SIGKILL)
                killed += 1
            if killed % 10 == 0:
                note(f"{made.name}: {killed} kills, {seen} saves acknowledged")
    return killed


def drill(engine: str, *, kills: int, saves: int) -> None:
    with site(engine, readers=WRITERS, workers=WORKERS, threads=THREADS) as made:
        writers = [Writer(made, place, number) for number, place in enumerate(made.places)]
        with writing(writers) as stop:
            killed = kill_until(made, writers, kills=kills, saves=saves, stop=stop)
        kept = [one for writer in writers for one in writer.kept]
        refused = [writer.refused for writer in writers if writer.refused]
        name = f"kill -9, {made.name}"
        figure(f"{name}: workers killed", killed, "", target=kills, holds=killed >= kills)
        figure(f"{name}: saves acknowledged", len(kept), "", target=saves, holds=len(kept) >= saves)
        figure(f"{name}: retries", sum(writer.retries for writer in writers), "")
        figure(f"{name}: replays answered", sum(one.replayed for one in kept), "")
        took = statistics.quantiles([one.took_s * 1e3 for one in kept], n=100)
        figure(f"{name}: p50 of a save", took[49], "ms")
        figure(f"{name}: p99 of a save", took[98], "ms")
        figure(f"{name}: saves refused", len(refused), "", target=0, holds=not refused)
        for sentence in refused[:3]:
            note(f"refused: {sentence}")
        told(name, verdict(made, writers))


def main() -> None:
    short = parser(__doc__).parse_args().short
    kills, saves = SHORT if short else FULL
    for engine in engines(SQLITE if short else None):
        drill(engine, kills=kills, saves=saves)


if __name__ == "__main__":
    main()
