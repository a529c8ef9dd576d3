"""Processor time: what others do on the same machine is not in it."""

import time
from collections.abc import Callable


def seconds(*work: Callable[[], object], times: int = 7) -> list[float]:
    """The least processor time of each, taken in turn so that a slow minute is everybody's."""
    least = [float("inf")] * len(work)
    for _ in range(times):
        for place, one in enumerate(work):
            began = time.process_time()
            one()
            least[place] = min(least[place], time.process_time() - began)
    return least
