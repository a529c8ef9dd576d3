"""Our own files, under addresses that say which version they are of: a page never mixes modules of two versions.

What a module imports stands beside it, so one digest of the whole folder, in the path, goes for all of them.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, send_from_directory

FOLDER = Path(__file__).parent / "static"
KEPT = "public, max-age=31536000, immutable"


@cache
def version(folder: Path = FOLDER) -> str:
    """A digest of every file with its name, as the folder stood when this process first asked."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes()):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def init_app(app: Flask) -> None:
    """`url_for('static', filename=…)` gives the address in this version."""
    app.add_url_rule("/static/<string:of_version>/<path:filename>", endpoint="static", view_func=_sent)
    app.url_defaults(_in_this_version)


def _in_this_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static":
        values.setdefault("of_version", version())


def _sent(of_version: str, filename: str) -> Response:
    """The file as it is now, for whatever version it was asked: a page from before an update still finds its files.

    Only under its own version may it be kept. Its tag is of what it says, not of when the file was written: files of
    a built package may all be of the same second.
    """
    sent = send_from_directory(FOLDER, filename, etag=version())
    sent.headers["Cache-Control"] = KEPT if of_version == version() else "no-cache"
    return sent
