"""The files that an analysis left, as a browser gets them: each with the headers that its kind needs."""

from pathlib import PurePosixPath

from flask import Response

from study.store.jobs import Artefact

TYPES = {".html": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json"}
INLINE_STYLE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SHOWN = {".svg": INLINE_STYLE, ".html": f"{INLINE_STYLE}; frame-ancestors 'none'; sandbox"}
"""What may be looked at in the browser, and the policy that it is looked at under: no script, nothing from outside."""


def response(file: Artefact, name: str, *, download: bool = False) -> Response:
    """Pages and figures are shown unless they were asked for as a download; tables and documents are downloads."""
    path = PurePosixPath(file.name)
    sent = Response(file.body, content_type=TYPES.get(path.suffix, "text/csv; charset=utf-8"))
    sent.headers["ETag"] = f'"{file.sha256}"'
    policy = SHOWN.get(path.suffix)
    sent.headers["Content-Security-Policy"] = policy or "default-src 'none'; sandbox"
    if download or policy is None:
        sent.headers.set("Content-Disposition", "attachment", filename=f"{name}-{path.name}")
    return sent
