"""PostgreSQL goes away under forty readers who save, and one in a browser: nothing that was acknowledged goes with it.

First a share of all saves fails as a lost race does (SQLSTATE 40001, raised by the server itself, half of it at the
commit). Then the server is stopped and started again: in order, and as in a crash, without a checkpoint and without
a word. The web is never touched: it answers 503 meanwhile, says when to come again, and finds the server by itself.
In the longest of the outages a physician goes on ticking in Chromium; the page may not say that it is saved, and has
to bring every tick afterwards.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from _drill import POSTGRES, note, parser
from _figures import figure
from _page import CasePage, opened
from _site import Site, site
from _verdict import told, verdict
from _writers import Writer, acknowledged, writing
from postgres import Server

WRITERS, GIVES_UP_S = 40, 300
SHARE = 0.4
RAISE = f"""
CREATE SEQUENCE drill_failures MINVALUE 0 START 1;
CREATE FUNCTION drill_fails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF random() < {SHARE} THEN
    PERFORM nextval('drill_failures');  -- not undone with the transaction
    RAISE EXCEPTION 'could not serialize access: a drill' USING ERRCODE = '40001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER drill_at_once BEFORE INSERT ON save FOR EACH ROW EXECUTE FUNCTION drill_fails();
CREATE CONSTRAINT TRIGGER drill_at_commit AFTER INSERT ON save
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION drill_fails();
"""
RAISE_NO_MORE = "DROP TRIGGER drill_at_once ON save; DROP TRIGGER drill_at_commit ON save;"


@dataclass(frozen=True, slots=True)
class Outage:
    """`ticks`: how many options are ticked in the browser while the server is down."""

    crash: bool
    down_s: float
    ticks: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """How many saves meet lost races, and which outages follow; each ends once every writer has gone on."""

    raced: int
    outages: Sequence[Outage]


SHORT = Extent(200, (Outage(False, 0.5), Outage(True, 10, ticks=5)))
FULL = Extent(
    5_000,
    (
        *(Outage(crash, down_s) for down_s in (0, 1, 5) for crash in (False, True)),
        Outage(False, 2),
        Outage(True, 60, ticks=20),
    ),
)


def lose_races(made: Site, server: Server, writers: list[Writer], saves: int) -> int:
    """Let inserts fail with 40001 until so many saves were acknowledged all the same; returns how many failed."""
    with server.connect("drill") as connection:
        connection.execute(RAISE)
        _until(writers, acknowledged(writers) + saves)
        connection.execute(RAISE_NO_MORE)
        row = connection.execute("SELECT last_value FROM drill_failures").fetchone()
    assert row is not None
    note(f"{made.name}: {row[0]} failures 40001, {acknowledged(writers)} saves acknowledged")
    return int(row[0])


def go_through(made: Site, server: Server, writers: list[Writer], outage: Outage, page: CasePage) -> None:
    with _gone(server, outage):
        page.tick(outage.ticks, within_s=outage.down_s)
    _until(writers, acknowledged(writers) + 2 * WRITERS)
    if outage.ticks:
        page.await_saved()
    how = "crash" if outage.crash else "shutdown"
    note(f"{made.name}: {how}, {outage.down_s} s down, {acknowledged(writers)} saves acknowledged")


@contextmanager
def _gone(server: Server, outage: Outage) -> Iterator[None]:
    server.stop(crash=outage.crash)
    up_again = time.monotonic() + outage.down_s
    try:
        yield
        time.sleep(max(0.0, up_again - time.monotonic()))
    finally:
        server.start()


def _until(writers: list[Writer], saves: int) -> None:
    gives_up_at = time.monotonic() + GIVES_UP_S
    while acknowledged(writers) < saves and time.monotonic() < gives_up_at:
        if all(writer.refused for writer in writers):
            return
        time.sleep(0.05)


def drill(extent: Extent) -> None:
    with site(POSTGRES, readers=WRITERS, waiting=1, threads=16) as made, opened(made, made.waiting[0]) as page:
        assert made.server is not None
        writers = [Writer(made, place, number) for number, place in enumerate(made.places)]
        web = made.web_workers()
        with writing(writers):
            failures = lose_races(made, made.server, writers, extent.raced)
            for outage in extent.outages:
                go_through(made, made.server, writers, outage, page)
        restarted = len(set(web) ^ set(made.web_workers()))
        report(made, writers, page, extent, failures=failures, restarted=restarted)


def report(made: Site, writers: list[Writer], page: CasePage, extent: Extent, *, failures: int, restarted: int) -> None:
    name = f"{made.name} restarted"
    refused = [writer.refused for writer in writers if writer.refused]
    busy, hasty = sum(writer.busy for writer in writers), sum(writer.hasty for writer in writers)
    saves, wanted = acknowledged(writers), extent.raced + 2 * WRITERS * len(extent.outages)
    figure(f"{name}: times", len(extent.outages), "")
    figure(f"{name}: failures 40001 raised", failures, "", target=1, holds=failures >= 1)
    figure(f"{name}: saves acknowledged", saves, "", target=wanted, holds=saves >= wanted)
    figure(f"{name}: retries", sum(writer.retries for writer in writers), "")
    figure(f"{name}: replays answered", sum(one.replayed for writer in writers for one in writer.kept), "")
    figure(f"{name}: answers 503", busy, "", target=1, holds=busy >= 1)
    figure(f"{name}: of them without Retry-After", hasty, "", target=0, holds=not hasty)
    figure(f"{name}: saves refused", len(refused), "", target=0, holds=not refused)
    for sentence in refused[:3]:
        note(f"refused: {sentence}")
    figure(f"{name}: web processes that had to start again", restarted, "", target=0, holds=not restarted)
    page.report(name)
    told(name, verdict(made, writers))


def main() -> None:
    drill(SHORT if parser(__doc__).parse_args().short else FULL)


if __name__ == "__main__":
    main()
