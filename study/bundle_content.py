"""What a reader may be shown of a bundle: protocol, cases, consent. Nothing here can reach a rating."""

from collections.abc import Collection, Mapping

from study.bundle_protocol import parse_protocol
from study.bundle_text import Table, decode, is_id, read_toml
from study.case import Case, CaseId, Option, OptionId
from study.errors import Fault, Faulty
from study.protocol import Protocol

PROTOCOL, CONSENT, CASES = "study.toml", "consent.md", "cases/"


def parse_content(files: Mapping[str, bytes]) -> tuple[Protocol, Mapping[CaseId, Case], str]:
    """Protocol, cases and consent of a bundle's files. Raises `Faulty`."""
    faults: list[Fault] = []
    protocol, cases, consent = read_content(files, faults)
    whole = {case_id: case for case_id, case in cases.items() if case is not None}
    if protocol is None or faults:
        raise Faulty(faults)
    return protocol, whole, consent


def read_content(
    files: Mapping[str, bytes], faults: list[Fault]
) -> tuple[Protocol | None, dict[CaseId, Case | None], str]:
    """The same with the faults collected. A case of which nothing can be said is None under its file's name."""
    protocol = parse_protocol(files[PROTOCOL], PROTOCOL, faults) if _there(files, PROTOCOL, faults) else None
    consent = decode(files[CONSENT], CONSENT, faults) if _there(files, CONSENT, faults) else None
    cases = {
        CaseId(case_id): parse_case(files[name], name, CaseId(case_id), faults)
        for name in sorted(files)
        if (case_id := case_id_of(name)) is not None
    }
    if not cases:
        faults.append(Fault(CASES, "there is no case: a study has at least one file cases/<id>.toml"))
    for known in cases.values():
        if known is not None and known.variant_of is not None and known.variant_of not in cases:
            what = f"there is no case {known.variant_of}"
            faults.append(Fault(f"{CASES}{known.id}.toml:variant_of", what))
    if protocol is not None:
        _check_allocation(protocol, cases.keys(), faults)
    return protocol, cases, consent or ""


def _there(files: Mapping[str, bytes], name: str, faults: list[Fault]) -> bool:
    if name not in files:
        faults.append(Fault(name, "is missing"))
    return name in files


def case_id_of(name: str) -> str | None:
    """The id in the name of a case's file; None: not the name of one."""
    stem = name.removeprefix(CASES).removesuffix(".toml")
    return stem if name == f"{CASES}{stem}.toml" and is_id(stem) else None


def parse_case(data: bytes, name: str, case_id: CaseId, faults: list[Fault]) -> Case | None:
    """None: a fault was found."""
    before = len(faults)
    table = read_toml(data, name, faults)
    if table is None:
        return None
    written = table.id("id")
    if written is not None and written != case_id:
        table.fault("id", f"is {written}, but the file is called {case_id}.toml")
    variant_of = table.id("variant_of", required=False)
    if variant_of == case_id:
        table.fault("variant_of", "a case is not a variant of itself")
    case = Case(
        id=case_id,
        specialty=table.text("specialty", required=True) or "",
        presentation=table.text("presentation", required=True) or "",
        options=_options(table),
        question=table.text("question"),
        variant_of=CaseId(variant_of) if variant_of is not None else None,
        changed=table.text("changed"),
    )
    table.close()
    return case if len(faults) == before else None


def _options(table: Table) -> tuple[Option, ...]:
    options: list[Option] = []
    taken: set[str] = set()
    for given in table.tables("options"):
        option_id = given.id("id") or ""
        if option_id and option_id in taken:
            given.fault("id", f"{option_id} stands there more than once")
        taken.add(option_id)
        text, category = given.text("text", required=True), given.text("category", required=True)
        options.append(Option(OptionId(option_id), text or "", category or ""))
        given.close()
    return tuple(options)


def _check_allocation(protocol: Protocol, cases: Collection[CaseId], faults: list[Fault]) -> None:
    """Anchors are cases of this study, and every reader has room for them."""
    allocation = protocol.allocation
    wanted = allocation.cases_per_reader
    for anchor in allocation.anchors:
        if anchor not in cases:
            faults.append(Fault(f"{PROTOCOL}:allocation.anchors", f"there is no case {anchor}"))
    if wanted is None:
        return
    where = f"{PROTOCOL}:allocation.cases_per_reader"
    if wanted > len(cases):
        faults.append(Fault(where, f"is {wanted}, but there are {len(cases)} cases"))
    if wanted < len(allocation.anchors):
        faults.append(Fault(where, f"is {wanted}, but there are {len(allocation.anchors)} anchors"))
