"""An export as a test looks at it: its members, its tables, and one that was changed on purpose."""

import csv
import hashlib
import io
import json
import zipfile

from study.db import Database
from study.export import export
from study.store import records, studies


def archive_of(database: Database, name: str = "small") -> bytes:
    with database.read() as session:
        return export(records.study_record(session, studies.by_name(session, name)), version="1.2.3")


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def table(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode(), newline=""), strict=True))


def relisted(files: dict[str, bytes]) -> dict[str, bytes]:
    """With a manifest that agrees: digests alone do not show what was done on purpose."""
    manifest = json.loads(files["manifest.json"])
    rest = {name: body for name, body in files.items() if name != "manifest.json"}
    manifest["files"] = {name: hashlib.sha256(body).hexdigest() for name, body in rest.items()}
    return {**rest, "manifest.json": json.dumps(manifest).encode()}
