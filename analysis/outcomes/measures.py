"""The measures of every profile by their names: which direction is better, and what kind of number they are."""

from collections.abc import Iterator

from study.profile import PROFILES, Measure


def profile_measures() -> Iterator[Measure]:
    """Every measure of every profile."""
    for profile in PROFILES.values():
        yield from profile.measures


def known(name: str | None) -> Measure | None:
    """The measure of that name; None: not one of ours."""
    return next((measure for measure in profile_measures() if measure.name == name), None)
