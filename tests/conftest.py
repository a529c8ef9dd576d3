"""What every test may ask for: the checkout, the real inputs beside it, a PostgreSQL server of its own."""

from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["measuring", "ordering", "postgres", "databases", "sites", "browsers"]

# The same examples on every run: a failure is met by the person who caused it, not by the next one.
settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data(repository: Path) -> Path:
    """Real inputs that are kept outside the project, in the checkout's sibling `shared/data`."""
    folder = repository.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real inputs (../shared/data) are not beside this checkout")
    return folder
