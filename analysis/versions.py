"""Which software made a number."""

from functools import cache
from importlib import metadata


@cache  # it reads a file each time, and nothing is installed while a number is made
def version_of(distribution: str) -> str:
    """The installed version of a distribution; "not installed" where it runs from a folder of sources."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions(*distributions: str) -> dict[str, str]:
    """Versions by name, primum first."""
    return {name: version_of(name) for name in ("primum", *distributions)}
