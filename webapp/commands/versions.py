"""Which software this is."""

from importlib import metadata


def version() -> str:
    """The installed version of primum; "not installed" where it runs from a folder of sources."""
    try:
        return metadata.version("primum")
    except metadata.PackageNotFoundError:
        return "not installed"
