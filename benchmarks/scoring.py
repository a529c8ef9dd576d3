"""Scoring as arrays, beside the same rules as a plain loop over readings: equal results, and how much sooner.

Sets of option names become arrays once, and the arrays serve every rubric: the two are timed apart, and together.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from _figures import figure  # noqa: E402
from plain_scoring import plain_case, plain_harms, plain_score  # noqa: E402

from fixtures.shape import shape_set  # noqa: E402
from study.encoding import encode  # noqa: E402
from study.profile import NOHARM_2026_07  # noqa: E402
from study.scoring import Scores, score_plans, score_readings  # noqa: E402

TARGET, ROUNDS = 50, 5


def assert_equal(scores: Scores, plain: list[dict[str, float]]) -> None:
    for name, scored in scores.measures.items():
        np.testing.assert_allclose(scored.value, [row[name] for row in plain], rtol=0, atol=1e-12, equal_nan=True)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    shape = shape_set()
    rubric = shape.bundle().rubric(profile=NOHARM_2026_07.id)
    case_ids, responses = shape.readings()
    plain_cases = {case_id: plain_case(case) for case_id, case in rubric.cases.items()}
    plans = encode(rubric.cases, case_ids, responses)

    def loop() -> list[dict[str, float]]:
        return [plain_score(plain_cases[case_id], given) for case_id, given in zip(case_ids, responses, strict=True)]

    # In turn, so that whatever else the machine does falls on all three; the best of each is compared.
    rounds = [
        (
            seconds(loop),
            seconds(lambda: score_plans(rubric, plans)),
            seconds(lambda: encode(rubric.cases, case_ids, responses)),
        )
        for _ in range(ROUNDS)
    ]
    loop_s, rules_s, encoding_s = map(min, zip(*rounds, strict=True))
    scores = score_readings(rubric, case_ids, responses)
    assert_equal(scores, loop())
    for reading in range(0, len(responses), 997):
        told = [(harm.option_id, harm.kind, harm.severity) for harm in scores.harms(reading)]
        assert told == plain_harms(plain_cases[case_ids[reading]], responses[reading])
    print(
        f"{len(responses):,} readings of {len(rubric.cases)} cases, ten measures, equal to 1e-12: plain loop "
        f"{loop_s:.2f} s; arrays {rules_s * 1000:.0f} ms, and {encoding_s * 1000:.0f} ms to encode sets of names"
    )
    ratio = loop_s / rules_s
    figure("scoring: plain loop / arrays", ratio, "times", target=TARGET, holds=ratio >= TARGET)
    figure("scoring: plain loop / arrays with their encoding", loop_s / (rules_s + encoding_s), "times")


if __name__ == "__main__":
    main()
