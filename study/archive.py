"""Reading an archive that somebody sent: nothing of it is unpacked before its size is known and allowed.

The manifest is read first, what it does not list is never read, and no member may grow beyond what it says of itself.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import Fault, Faulty, StudyError

MANIFEST, BUNDLE, SET_ASIDE = "manifest.json", "bundle/", "set-aside.jsonl"
NEEDED = frozenset({"answers.jsonl", SET_ASIDE, "chains.csv", "events.jsonl", "readings.csv"})
MANIFEST_MOST = 4 << 20
MEMBER_MOST = 512 << 20
WHOLE_MOST = 768 << 20
DENSEST = 200
"""How many bytes one byte may become: text with digests in it becomes ten, nothing but zeros a thousand."""
SMALL = 1 << 20
"""Below that, a member may be as dense as it likes."""
AT_ONCE = 1 << 20


class NotAnExport(StudyError):
    """A file from which no analysis can be made."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export of a locked study says of itself. `files`: the digest of every other member."""

    locked_at_us: int
    lock_reason: str | None
    files: dict[str, str]


def locked_export(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the members that it lists, each checked against its digest.

    Raises NotAnExport for a file that is none, that was made before the lock or that would unpack to too much; Faulty
    with every member that is missing, foreign or not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            members = {member.filename: member for member in packed.infolist()}
            manifest = _manifest(packed, members, path.name)
            _refuse_what_is_too_large([members[name] for name in manifest.files if name in members], path.name)
            faults = _foreign(members, manifest, path.name)
            files = {name: _unpacked(packed, members[name]) for name in manifest.files if name in members}
    except _NO_ARCHIVE as error:
        raise NotAnExport(f"{path.name} is not an export of a study: {error}") from error
    for name in sorted(manifest.files.keys() | NEEDED):
        if name not in files:
            faults.append(Fault(f"{path.name}:{name}", "is missing"))
        elif hashlib.sha256(files[name]).hexdigest() != manifest.files[name]:
            faults.append(Fault(f"{path.name}:{name}", "is not as it was written: its digest differs"))
    if faults:
        raise Faulty(faults)
    return manifest, files


def _manifest(packed: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str) -> Manifest:
    if members[MANIFEST].file_size > MANIFEST_MOST:
        raise NotAnExport(f"{name} is not an export of a study: its manifest is larger than any that we write.")
    said: dict[str, Any] = json.loads(_unpacked(packed, members[MANIFEST]))
    locked_at_us, reason = said["locked_at_us"], said.get("lock_reason")
    if not isinstance(locked_at_us, int):
        raise NotAnExport(f"{name} was made before the lock: nothing is analysed then.")
    files = {str(member): str(digest) for member, digest in dict(said["files"]).items()}
    return Manifest(locked_at_us, None if reason is None else str(reason), files)


def _refuse_what_is_too_large(members: list[zipfile.ZipInfo], name: str) -> None:
    for member in members:
        dense = member.file_size > max(SMALL, DENSEST * member.compress_size)
        if dense or member.file_size > MEMBER_MOST:
            raise NotAnExport(
                f"{name} is refused: {member.filename} would unpack to {member.file_size >> 20} MiB "
                f"from {member.compress_size >> 10} KiB."
            )
    whole = sum(member.file_size for member in members)
    if whole > WHOLE_MOST:
        raise NotAnExport(f"{name} is refused: it would unpack to {whole >> 20} MiB.")


def _foreign(members: dict[str, zipfile.ZipInfo], manifest: Manifest, name: str) -> list[Fault]:
    foreign = sorted(members.keys() - manifest.files.keys() - {MANIFEST})
    return [Fault(f"{name}:{member}", "is not listed in the manifest") for member in foreign]


def _unpacked(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A piece at a time: asked for all at once, the reader would unpack first and cut to the stated size then."""
    pieces = []
    with packed.open(member) as opened:
        while piece := opened.read(AT_ONCE):
            pieces.append(piece)
    return b"".join(pieces)


# What Python's own reader raises on bytes that are no archive, or no longer a whole one.
_NO_ARCHIVE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    RecursionError,
    OverflowError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
