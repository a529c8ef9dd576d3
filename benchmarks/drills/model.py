"""The sitting of the tests' state machine, played for thousands of steps: every law holds at every one of them.

Each step is one request to the real application, or one turn of the world: time goes on or back, a process dies in the
middle of a unit of work, the site is restarted. What must come of each request is foretold from the protocol alone, and
after each step every row of the sitting is held to the invariants (tests/sitting_laws.py).
"""

import logging
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog
from _drill import ENGINES, POSTGRES, note, parser
from _figures import figure
from _site import engines
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from postgres import running
from sitting_model import Sitting
from sitting_world import World

from study.db import Database
from study.migrate import migrate

FULL, SHORT = 5_000, 200
SITTINGS, STEPS = 20, 40
"""Of one round, which has a database and examples of its own."""


@contextmanager
def databases(engine: str) -> Iterator[Callable[[int], str]]:
    """The address of a new database for each round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="primum-drill-")))
        if engine == POSTGRES:
            server = stack.enter_context(running())
            yield lambda number: server.create(f"round-{number}")
        else:
            yield lambda number: f"sqlite:///{folder / f'round-{number}.db'}"


def play(url: str, number: int, *, tally: Counter[str], at_most: int) -> bool:
    """One round; whether every law held. The steps and deaths of it are added to the tally."""
    database = Database(url)
    migrate(database)
    world = World(database)
    sittings = max(1, min(SITTINGS, at_most // STEPS))
    try:
        run_state_machine_as_test(
            seed(number)(lambda: Sitting(world, tally)),
            settings=settings(
                max_examples=sittings,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception:
        note(traceback.format_exc())
        return False
    else:
        return True
    finally:
        tally["deaths"] += world.deaths.injected
        tally["restarts"] += world.restarts
        world.close()
        database.dispose()


def drill(engine: str, *, steps: int) -> None:
    tally: Counter[str] = Counter()
    violations = number = 0
    with databases(engine) as new:
        while tally["steps"] < steps and violations == 0:
            number += 1
            violations += not play(new(number), number, tally=tally, at_most=steps)
            note(f"{ENGINES[engine]}: {tally['steps']} steps")
    name = f"the sitting played at random, {ENGINES[engine]}"
    figure(f"{name}: steps", tally["steps"], "", target=steps, holds=tally["steps"] >= steps)
    figure(f"{name}: violations of an invariant", violations, "", target=0, holds=violations == 0)
    figure(f"{name}: processes that died", tally["deaths"], "", target=1, holds=tally["deaths"] > 0)
    figure(f"{name}: restarts", tally["restarts"], "")
    figure(
        f"{name}: steps of the clock", tally["steps of the clock"], "", target=1, holds=tally["steps of the clock"] > 0
    )
    figure(f"{name}: outages", tally["outages"], "")
    figure(f"{name}: old requests sent again", sum(tally[what] for what in tally if what.endswith("cut short")), "")
    note(f"{ENGINES[engine]}: {dict(sorted(tally.items()))}")


def main() -> None:
    asked = parser(__doc__)
    asked.add_argument("--steps", type=int, help="so many on each engine")
    found = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for engine in engines():
        drill(engine, steps=found.steps or (SHORT if found.short else FULL))


if __name__ == "__main__":
    main()
