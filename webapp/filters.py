"""How numbers and times are written on pages. Templates compute nothing."""

from datetime import UTC, datetime

from flask import Flask

from webapp import deps


def clock_time(at_us: int | None) -> str:
    """A time of day with its date, UTC; an en dash where there is none."""
    if at_us is None:
        return "–"
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%d %b %Y, %H:%M UTC")


def to_the_second(at_us: int | None) -> str:
    return "–" if at_us is None else datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%d %b %Y, %H:%M:%S UTC")


def day(at_us: int | None) -> str:
    return "–" if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%d %b %Y")


def iso(at_us: int | None) -> str:
    return "" if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")


def duration(us: int | None) -> str:
    """Minutes and seconds, as a clock shows them: 9:05. An en dash where there is none."""
    if us is None:
        return "–"
    minutes, seconds = divmod(max(0, us) // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def minutes(us: int | None) -> str:
    """A limit in words: “10 minutes”, “1 minute 30 seconds”, “no limit”."""
    if us is None:
        return "no limit"
    whole, seconds = divmod(us // 1_000_000, 60)
    parts = [counted(whole, "minute")] if whole else []
    if seconds or not whole:
        parts.append(counted(seconds, "second"))
    return " ".join(parts)


def ago(at_us: int | None) -> str:
    """How long ago, roughly, seen from the arrival of this request."""
    if at_us is None:
        return "–"
    seconds = max(0, deps.now_us() - at_us) // 1_000_000
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return f"{counted(seconds // size, unit)} ago"
    return "just now"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def init_app(app: Flask) -> None:
    for function in (clock_time, to_the_second, day, iso, duration, minutes, ago, counted):
        app.add_template_filter(function)
    app.context_processor(lambda: {"who": deps.who(), "settings": deps.settings()})
