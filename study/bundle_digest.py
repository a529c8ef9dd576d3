"""Digests of a bundle: what stands under one digest is the same to the byte."""

import hashlib
from collections.abc import Mapping


def digest_lines(files: Mapping[str, bytes], under: str = "") -> str:
    """The sorted lines `sha256␠␠path` of the files under a folder (or of all)."""
    return "".join(
        sorted(
            f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in files.items() if path.startswith(under)
        )
    )


def bundle_digest(files: Mapping[str, bytes]) -> str:
    return hashlib.sha256(digest_lines(files).encode()).hexdigest()
