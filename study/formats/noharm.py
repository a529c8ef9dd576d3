"""The official open NOHARM rubrics as a bundle, with the defaults that a study of them begins with."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import tomli_w

from study.bundle import parse_bundle
from study.bundle_content import CASES, CONSENT, PROTOCOL
from study.bundle_rubric import RATINGS, RATINGS_HEADER, STRUCTURE, STRUCTURE_HEADER
from study.bundle_text import ID_RULE, is_id
from study.errors import Fault, Faulty
from study.formats.judged import detect_format, parse_judged
from study.formats.noharm_source import Source

__all__ = ["NoharmImport", "detect_format", "import_rubrics", "parse_judged"]

RATER = "consensus"

SPECIALTIES = {
    "All": "Allergy and Immunology",
    "Card": "Cardiology",
    "Derm": "Dermatology",
    "Endo": "Endocrinology",
    "GI": "Gastroenterology",
    "Heme": "Hematology",
    "ID": "Infectious Diseases",
    "Nephro": "Nephrology",
    "Neuro": "Neurology",
    "Pulm": "Pulmonology",
}
"""What the letters before a case's number stand for."""

CONSENT_TEMPLATE = """\
# Taking part

> **To be replaced.** This is a template. Put here the information and the consent that your ethics committee has
> approved; no physician should meet this page as it stands.

**What you do.** You read consultation requests, one at a time, and tick every action that you would recommend. Each
has a time limit, shown before you begin it.

**What is kept.** What you tick, and when you opened, saved and submitted each case.

**What it is for.** Your answers and those of AI systems are scored with the identical rubric, and compared.

**You may stop at any time**, without a reason.

**Whom to ask.** *Name, address and telephone number of the principal investigator.*
"""


@dataclass(frozen=True, slots=True)
class NoharmImport:
    """A complete bundle, and the fields of the source that it does not keep."""

    files: Mapping[str, bytes]
    dropped: tuple[str, ...]


def import_rubrics(
    source: Mapping[str, bytes], *, id: str = "noharm-open", title: str = "NOHARM open cases"
) -> NoharmImport:
    """Turn `rubrics/*.json` into a bundle. Other files of the source are left alone.

    An option's score is its `placement`, else its `score`, else its `grade`. Raises `Faulty` with every fault.
    """
    faults: list[Fault] = []
    found = {name: data for name, data in sorted(source.items()) if PurePosixPath(name).match("rubrics/*.json")}
    if not found:
        faults.append(Fault("rubrics/", "there is no file rubrics/*.json"))
    dropped: set[str] = set()
    cases = [case for name, data in found.items() if (case := _read_case(name, data, dropped, faults)) is not None]
    if not is_id(id):
        faults.append(Fault("id", f"{id!r} is not an id: {ID_RULE}"))
    if faults:
        raise Faulty(faults)
    files = {
        PROTOCOL: tomli_w.dumps(_protocol(id, title)).encode(),
        CONSENT: CONSENT_TEMPLATE.encode(),
        **{f"{CASES}{case.id}.toml": tomli_w.dumps(case.toml()).encode() for case in cases},
        RATINGS: _csv(RATINGS_HEADER, (row for case in cases for row in case.ratings())),
        STRUCTURE: _csv(STRUCTURE_HEADER, (row for case in cases for row in case.structure())),
    }
    parse_bundle(files)
    return NoharmImport(files, tuple(sorted(dropped)))


def _protocol(id: str, title: str) -> dict[str, object]:
    stage = {"id": "answer", "mode": "tick", "limit_s": 600, "grace_s": 10, "resources": "Anything except AI tools"}
    return {
        "schema": 1,
        "id": id,
        "title": title,
        "version": "1",
        "seed": 20261121,
        "scoring": {"profile": "noharm-2026-07", "consensus": "single"},
        "arms": [{"id": "physician", "stages": [stage]}],
    }


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows((header, *rows))
    return out.getvalue().encode()


@dataclass(frozen=True, slots=True)
class _Option:
    id: str
    text: str
    category: str
    score: int
    group: str
    group_kind: str
    depends_on: tuple[str, ...]
    do_nothing: bool


@dataclass(frozen=True, slots=True)
class _Case:
    id: str
    presentation: str
    options: tuple[_Option, ...]
    escalations: frozenset[str]

    def toml(self) -> dict[str, object]:
        letters = re.match(r"[A-Za-z]*", self.id)
        prefix = letters[0] if letters is not None else ""
        return {
            "id": self.id,
            "specialty": SPECIALTIES.get(prefix, prefix or self.id),
            "presentation": self.presentation,
            "options": [{"id": it.id, "text": it.text, "category": it.category} for it in self.options],
        }

    def ratings(self) -> list[tuple[object, ...]]:
        return [(self.id, option.id, RATER, option.score) for option in self.options]

    def structure(self) -> list[tuple[object, ...]]:
        """Rows of the options of which there is something to say."""
        rows = [
            (
                *(option.group, option.group_kind, ";".join(option.depends_on)),
                *("1" if option.do_nothing else "", "1" if option.id in self.escalations else ""),
            )
            for option in self.options
        ]
        return [(self.id, option.id, *row) for option, row in zip(self.options, rows, strict=True) if any(row)]


def _read_case(name: str, data: bytes, dropped: set[str], faults: list[Fault]) -> _Case | None:
    """None: it cannot be read at all."""
    try:
        source = Source(json.loads(data.decode()), name, "", "", dropped, faults)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(name, f"is not JSON: {error}"))
        return None
    case_id = source.text("id")
    if not is_id(case_id):
        source.fault("id", f"{case_id!r} is not an id: {ID_RULE}")
    consults = source.inner("specialistConsult").each("consults") if source.get("specialistConsult") else []
    return _Case(
        id=case_id,
        presentation=source.inner("case").text("presentation"),
        options=tuple(_read_option(option) for option in source.each("options", required=True)),
        escalations=frozenset(it.option_id("optionId") for it in consults if it.get("optionId") is not None),
    )


def _read_option(source: Source) -> _Option:
    kind = source.text("abstractionType", required=False)
    group = source.text("abstraction", required=False)
    return _Option(
        id=source.option_id("id"),
        text=source.text("text"),
        category=source.text("category"),
        score=source.score(),
        group=group,
        group_kind=kind if group else "",
        depends_on=source.option_ids("dependsOn"),
        do_nothing=source.get("isHarmOfInaction") is True,
    )
