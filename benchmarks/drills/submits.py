"""Thirty-two submits of one reading at the same moment, each with a key of its own: one closes it, all see its receipt.

The plain form's way: every submit is answered with 303, and the page that it leads to shows the receipt.
"""

import re
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from _drill import note, parser
from _figures import figure
from _readers import Place
from _site import Site, engines, site
from _verdict import told, verdict
from _visitor import Unanswered, Visitor
from _writers import Writer
from sqlalchemy import select

from study.tables import metadata

FULL, SHORT = (40, 32), (8, 8)
RECEIPT = re.compile(r'class="receipt">([^<]+)<')


def submit_at_once(made: Site, place: Place, times: int) -> list[tuple[int, str]]:
    """Status and receipt of every submit, as each of so many tabs saw them."""
    first = made.visitor(place)
    tabs = []
    for _ in range(times):
        tab = Visitor(made.port, first.cookies)
        tab.token = first.token
        tab.get("/help")  # connected before the moment comes
        tabs.append(tab)
    ready = threading.Barrier(times)

    def submit(number: int) -> tuple[int, str]:
        tab = tabs[number]
        sent = {"key": f"submit-{number:03d}", "base_revision": "1", "lease": place.lease}
        ready.wait(60)
        try:
            answer = tab.post(f"{place.path}/submit", sent)
            shown = RECEIPT.search(tab.get(place.path).text)
        except Unanswered:
            return 0, ""
        finally:
            tab.close()
        return answer.status, "" if shown is None else shown[1]

    with ThreadPoolExecutor(times) as pool:
        found = list(pool.map(submit, range(times)))
    first.close()
    return found


def kept_of(made: Site) -> tuple[dict[str, str | None], Counter[str], int]:
    """Receipts as they are stored, how many events closed each reading, and how many payloads came too late."""
    reading, event, late = (metadata.tables[name] for name in ("reading", "event", "late_payload"))
    closing = event.c.kind.in_(["submitted", "expired"])
    with made.database.read() as session:
        connection = session.connection()
        receipts = {str(row.id): row.receipt for row in connection.execute(select(reading)).all()}
        finals = Counter(str(row.subject_id) for row in connection.execute(select(event).where(closing)).all())
        too_late = len(connection.execute(select(late)).all())
    return receipts, finals, too_late


def drill(engine: str, *, readings: int, times: int) -> None:
    with site(engine, readers=readings, workers=2, threads=max(8, times // 2)) as made:
        writers = [Writer(made, place, number, most=1) for number, place in enumerate(made.places)]
        for writer in writers:
            writer.write(threading.Event())
        seen = {place.reading: submit_at_once(made, place, times) for place in made.places}
        report(made, writers, seen, readings=readings, times=times)


def report(
    made: Site, writers: Sequence[Writer], seen: dict[str, list[tuple[int, str]]], *, readings: int, times: int
) -> None:
    name = f"{times} submits at once, {made.name}"
    receipts, finals, too_late = kept_of(made)
    one_final = sum(finals[reading] == 1 and receipts[reading] is not None for reading in receipts)
    statuses = Counter(status for answers in seen.values() for status, _receipt in answers)
    strange = sum(count for status, count in statuses.items() if status != 303)
    other = sum(receipt != receipts[reading] for reading, answers in seen.items() for _status, receipt in answers)
    figure(f"{name}: readings with exactly one final", one_final, "", target=readings, holds=one_final == readings)
    figure(f"{name}: submits answered", sum(statuses.values()), "")
    figure(f"{name}: answers other than 303", strange, "", target=0, holds=not strange)
    figure(f"{name}: tabs shown another receipt", other, "", target=0, holds=not other)
    figure(f"{name}: payloads kept apart", too_late, "", target=0, holds=not too_late)
    note(f"{made.name}: statuses {dict(statuses)}")
    told(name, verdict(made, writers))


def main() -> None:
    readings, times = SHORT if parser(__doc__).parse_args().short else FULL
    for engine in engines():
        drill(engine, readings=readings, times=times)


if __name__ == "__main__":
    main()
