"""The site under load, beside a bare form on the same engine under the same load, generator and all on one machine.

Open loop: 85 % saves, 10 % looks at the clock, 5 % case pages, at rates that rise until nothing on this machine would
keep up. What one rate costs is printed; that no request fails is demanded wherever the bare form keeps up too (which
has as many posts, and one durable row for each).
Closed loop: 1, 8 and 32 readers who ask as fast as they are answered. What the web's processes spend on a page and on
a save is demanded to be near what the bare form spends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from _drill import SQLITE, note, parser
from _figures import figure
from _loading import Target, bare, loaded, says
from _site import engines

RATES = (100, 200, 300, 400, 500, 600)
CROWDS, JUDGED_AT, ROUNDS, ROUND_S = (1, 8, 32), 8, 5, 1.0
READERS = 400
KEEPS_UP = 0.98
"""The share of answers within the schedule from which on a site is said to keep up."""
CASE_TIMES, SAVE_TIMES = 3, 2


def keeps_up(came: Mapping[str, Any]) -> bool:
    return not failures(came) and came["punctual"] >= KEEPS_UP * came["offered"]


def failures(came: Mapping[str, Any]) -> int:
    return sum(came["errors"].values())


def at_rates(ours: Target, beside: Target, engine: str, *, rates: tuple[int, ...], seconds: float) -> None:
    for rate in rates:
        peer = beside.open_loop(rate=rate, seconds=seconds)
        own = ours.open_loop(rate=rate, seconds=seconds)
        note(f"{engine}, {rate}/s: bare form {says(peer)}; primum {says(own)}")
        name = f"load, {engine}, {rate}/s"
        for target, came in ((ours, own), (beside, peer)):
            figure(f"{name}: p50, {target.name}", came["p50_ms"], "ms")
            figure(f"{name}: p99, {target.name}", came["p99_ms"], "ms")
            figure(f"{name}: answered within the schedule, {target.name}", came["punctual"] / came["offered"], "")
        figure(f"{name}: errors, {beside.name}", failures(peer), "")
        if keeps_up(peer):
            figure(f"{name}: errors, {ours.name}", failures(own), "", target=0, holds=not failures(own))
        else:
            note(f"{engine}, {rate}/s: the bare form does not keep up here, so nothing is demanded")
            figure(f"{name}: errors, {ours.name}", failures(own), "")


@dataclass(slots=True)
class Asked:
    """Everything of one kind that a crowd asked, over all rounds."""

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0

    def add(self, came: Mapping[str, Any]) -> None:
        self.answered += came["answered"]
        self.failed += failures(came)
        self.seconds += came["seconds"]
        self.cpu_s += came["cpu_s"]

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1e3 / max(1, self.answered)


def in_crowds(ours: Target, beside: Target, engine: str) -> None:
    """Readers who ask as fast as they are answered: how many answers a second, and what one costs."""
    name = f"load, {engine}"
    kinds = {"page": ours, "save": ours, "bare page": beside, "bare post": beside}
    judged = {"submit": Asked()}
    for crowd in CROWDS:
        asked = {kind: Asked() for kind in kinds}
        for _ in range(ROUNDS):  # by turns, so that whatever else the machine does falls on all of them
            for kind, target in kinds.items():
                asked[kind].add(target.closed_loop(kind, readers=crowd, seconds=ROUND_S))
        for kind, one in asked.items():
            figure(f"{name}, {crowd} at once: {kind}", one.answered / one.seconds, "/s")
            if kinds[kind] is ours:
                figure(f"{name}, {crowd} at once: {kind}, failed", one.failed, "", target=0, holds=not one.failed)
        note(f"{engine}, {crowd} at once: " + ", ".join(f"{kind} {one.cpu_ms:.2f} ms" for kind, one in asked.items()))
        if crowd == JUDGED_AT:
            judged |= asked
    ours.closed_loop("save", readers=JUDGED_AT, seconds=None)  # so that everybody has something to submit
    came = ours.closed_loop("submit", readers=JUDGED_AT, seconds=None)
    note(f"{engine}, every reading submitted: {says(came)}")
    judged["submit"].add(came)
    failed = judged["submit"].failed
    figure(f"{name}: submits that failed", failed, "", target=0, holds=not failed)
    for kind, one in judged.items():
        figure(f"{name}: CPU of a {kind}", one.cpu_ms, "ms")
    cost = {kind: one.cpu_ms for kind, one in judged.items()}
    case = (cost["page"] + cost["submit"]) / (cost["bare page"] + cost["bare post"])
    save = cost["save"] / cost["bare post"]
    figure(
        f"{name}: CPU of GET + submit, times the bare form's", case, "×", target=CASE_TIMES, holds=case <= CASE_TIMES
    )
    figure(f"{name}: CPU of a save, times the bare form's POST", save, "×", target=SAVE_TIMES, holds=save <= SAVE_TIMES)


def main() -> None:
    short = parser(__doc__ or "").parse_args().short
    for engine in engines(SQLITE if short else None):
        with loaded(engine, readers=20 if short else READERS) as (made, ours), bare(made) as beside:
            for target in (beside, ours):
                target.open_loop(rate=50, seconds=1 if short else 3)  # templates and statements are made once
            at_rates(ours, beside, made.name, rates=(60,) if short else RATES, seconds=3 if short else 8)
            if not short:
                in_crowds(ours, beside, made.name)


if __name__ == "__main__":
    main()
