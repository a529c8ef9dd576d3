"""`primum …` in this process, on a database of its own."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from panels import PRIMARY
from rubric_builders import bundle_files, protocol_toml

from study.bundle import write_folder
from study.db import Database
from webapp.cli import main


@dataclass
class CommandLine:
    """What was said stays in `out` and `err` until the next call."""

    capsys: pytest.CaptureFixture[str]
    folder: Path
    out: str = ""
    err: str = ""

    def __call__(self, *arguments: object) -> int:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        self.out, self.err = self.capsys.readouterr()
        return int(ended.value.code or 0)

    def file(self, name: str, body: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def bundle(self, name: str = "bundle", **changed: bytes | None) -> Path:
        path = self.folder / name
        write_folder(bundle_files(**{"study_toml": protocol_toml(primary=PRIMARY)} | changed), path)
        return path


def command_line(
    capsys: pytest.CaptureFixture[str], folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """On this database, in a narrow window: what must not be wrapped is not."""
    monkeypatch.setenv("PRIMUM_DATABASE_URL", database.url.render_as_string())
    monkeypatch.setenv("PRIMUM_PUBLIC_URL", "https://study.example")
    monkeypatch.delenv("PRIMUM_SECRET_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    return CommandLine(capsys, folder)
