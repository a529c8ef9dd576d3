"""What a reader is told beyond the rules: the two clocks of their sitting, and what they may use."""

from dataclasses import dataclass

from study.timing import SECOND_US, us_of
from webapp.content import Content


@dataclass(frozen=True, slots=True)
class Guide:
    """A reader's own limits, with what was agreed for them. None: no limit of that kind.

    `ends_us`: when the sitting ends; None: it has not begun, or has no end. `grace_us`: how long after the end of a
    case what arrives is still counted.
    """

    limit_us: int | None
    grace_us: int
    sitting_us: int | None
    ends_us: int | None
    closes_us: int | None
    longer: bool
    resources: str | None
    at_us: int

    @property
    def left_us(self) -> int | None:
        return None if self.ends_us is None else max(0, self.ends_us - self.at_us)

    @property
    def over(self) -> bool:
        """Whether no further case can be begun, because the time for all of them together is over."""
        return self.left_us == 0

    @property
    def limited(self) -> bool:
        return self.limit_us is not None or self.sitting_us is not None


def guide(content: Content, arm: str, *, percent: int, ends_us: int | None, at_us: int) -> Guide:
    """`percent`: of the limits that everybody has, what this reader was given; `ends_us`: of a sitting that began."""
    stage, protocol = content.stage(arm), content.protocol
    closes = protocol.window.closes
    return Guide(
        limit_us=_own(stage.limit_s, percent),
        grace_us=stage.grace_s * SECOND_US,
        sitting_us=_own(protocol.session_limit_s, percent),
        ends_us=ends_us,
        closes_us=None if closes is None else us_of(closes),
        longer=percent > 100,
        resources=stage.resources,
        at_us=at_us,
    )


def _own(limit_s: int | None, percent: int) -> int | None:
    return None if limit_s is None else limit_s * SECOND_US * percent // 100
