"""The two studies of the demonstration, made through the same doors as any other study.

*demo* is open, with a few invented physicians on its roster. *demo-locked* has the same cases, a panel of simulated
physicians, and a lock. Nobody in here exists.
"""

import hashlib
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

import tomli_w
from sqlmodel import Session

import study
from study.bundle import Bundle, parse_bundle, read_folder
from study.bundle_content import parse_content
from study.case import CaseId
from study.db import Database
from study.draft import Draft
from study.errors import StudyError
from study.formats.canonical import write_answers
from study.policies import do_nothing, select_all
from study.progress import Ending
from study.simulate import SimulatedReader, SimulatedReading, simulate_readers
from study.store import accounts, conduct, enrolment, jobs, readings, studies, systems
from study.store.enrolment import Invitee
from study.store.loading import load_bundle, system_files
from study.tables import ClosedBy, JobState, ReaderRow, Role, StudyState
from study.timing import SECOND_US
from webapp.commands.output import Advance

OPEN, LOCKED = "demo", "demo-locked"
PI, STATISTICIAN = "pi@primum.example", "statistician@primum.example"
DAY_US = 24 * 3600 * SECOND_US
PANEL = 24
SITES = ("North", "South", "Harbour")

# What some of the open study's physicians have done so far: how many of their cases; None: invited only.
NAMES: Mapping[str, int | None] = {
    "Maren Holt": 6,
    "Idris Kane": 6,
    "Tove Lindqvist": 4,
    "Paulo Serra": 3,
    "Anneke Vos": 1,
    "Rohan Mehta": 0,
    "Clara Brandt": None,
    "Owen Pryce": None,
}


@dataclass(frozen=True, slots=True)
class Joined:
    """A reader with an account, and their readings in order."""

    account_id: UUID
    respondent_id: UUID
    readings: tuple[tuple[UUID, CaseId], ...]


def demo_folder() -> Path:
    """The demonstration's study folder: beside the installed code, or in the checkout that it runs from."""
    package = Path(study.__file__).parent
    for folder in (package / "_demo", package.parent / "fixtures" / "demo"):
        if folder.is_dir():
            return folder
    raise StudyError("The demonstration's study folder is not installed.")


def demo_bundles() -> tuple[Bundle, Bundle]:
    """The open study's bundle, and the same cases under another id and title."""
    files = read_folder(demo_folder())
    protocol = tomllib.loads(files["study.toml"].decode())
    renamed = protocol | {"id": LOCKED, "title": f"{protocol['title']}: locked, simulated physicians"}
    return parse_bundle(files), parse_bundle(files | {"study.toml": tomli_w.dumps(renamed).encode()})


def make_staff(session: Session, *, at_us: int) -> None:
    for email, role in ((PI, Role.PI), (STATISTICIAN, Role.STATISTICIAN)):
        accounts.add_staff(session, email, role, actor_id=None, at_us=at_us)


def make_open(database: Database, bundle: Bundle, *, now_us: int, password_hash: str, advance: Advance) -> None:
    """The open study, with physicians at every stage of taking part."""
    began = now_us - (len(NAMES) + 2) * DAY_US
    # Loaded before the other study, because lists of studies begin with the one that came first.
    database.write(
        lambda session: _opened(session, bundle, loaded_us=now_us - (PANEL + 6) * DAY_US, at_us=began - DAY_US)
    )
    active = [name for name, cases in NAMES.items() if cases is not None]
    joined = {}
    for number, name in enumerate(NAMES):
        invitee = Invitee(f"{_spelled(name)}@clinic.example", f"Dr {name}", {"site": SITES[number % len(SITES)]})
        at_us = began - DAY_US // 2 + number * 60 * SECOND_US
        if name in active:
            joined[name] = database.write(
                lambda session, invitee=invitee, at_us=at_us: _join(
                    session, bundle, invitee, password_hash, at_us=at_us
                )
            )
        else:
            database.write(lambda session, invitee=invitee, at_us=at_us: _invite(session, bundle, invitee, at_us=at_us))
    panel = _panel(bundle, joined, start_us=began)
    for done, name in enumerate(active):
        advance("physicians of the open study", done, len(active))
        wanted = panel[name].readings[: NAMES[name]]
        database.write(lambda session, name=name, wanted=wanted: _play(session, bundle, joined[name], wanted))
    database.write(lambda session: _under_way(session, bundle, joined[active[3]], at_us=now_us - 90 * SECOND_US))


def make_locked(database: Database, bundle: Bundle, *, now_us: int, password_hash: str, advance: Advance) -> None:
    """The panel that has read, the systems, the reference policies, and the lock."""
    began = now_us - (PANEL + 3) * DAY_US
    database.write(lambda session: _opened(session, bundle, loaded_us=began - 2 * DAY_US, at_us=began - DAY_US))
    joined = {}
    for number in range(1, PANEL + 1):
        invitee = Invitee(f"reader-{number:02d}@panel.example", "", {"site": SITES[number % len(SITES)]})
        joined[f"reader-{number:02d}"] = database.write(
            lambda session, invitee=invitee: _join(session, bundle, invitee, password_hash, at_us=began - DAY_US // 2)
        )
    for done, (name, reader) in enumerate(_panel(bundle, joined, start_us=began).items()):
        advance("simulated physicians", done, PANEL)
        database.write(lambda session, name=name, reader=reader: _play_whole(session, bundle, joined[name], reader))
    database.write(lambda session: _policies(session, bundle, at_us=now_us - DAY_US))
    database.write(
        lambda session: studies.change_state(
            session,
            bundle.protocol.id,
            StudyState.LOCKED,
            protocol=bundle.protocol,
            actor_id=None,
            at_us=now_us - DAY_US // 2,
            reason="Every simulated physician has finished.",
        )
    )


def _opened(session: Session, bundle: Bundle, *, loaded_us: int, at_us: int) -> None:
    load_bundle(session, bundle, system_files(bundle), actor_id=None, at_us=loaded_us)
    name, protocol = bundle.protocol.id, bundle.protocol
    studies.change_state(session, name, StudyState.OPEN, protocol=protocol, actor_id=None, at_us=at_us)


def _invite(session: Session, bundle: Bundle, invitee: Invitee, *, at_us: int) -> tuple[ReaderRow, str]:
    found = studies.by_name(session, bundle.protocol.id)
    reader = enrolment.invite(session, found, invitee, arm=bundle.protocol.arms[0], actor_id=None, at_us=at_us)
    token = secrets.token_urlsafe(24)
    enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=60 * DAY_US)
    return reader, token


def _join(session: Session, bundle: Bundle, invitee: Invitee, password_hash: str, *, at_us: int) -> Joined:
    reader, token = _invite(session, bundle, invitee, at_us=at_us)
    session.flush()
    account = enrolment.join(
        session,
        token,
        protocol=bundle.protocol,
        cases=list(bundle.cases),
        consent_sha256=hashlib.sha256(bundle.consent.encode()).hexdigest(),
        password_hash=password_hash,
        at_us=at_us + 3600 * SECOND_US,
    )
    session.flush()
    (place,) = [
        place for place in enrolment.places(session, account.id) if place.reader.respondent_id == reader.respondent_id
    ]
    assigned = tuple((reading.id, CaseId(reading.case_id)) for reading in place.readings)
    return Joined(account.id, reader.respondent_id, assigned)


def _panel(bundle: Bundle, joined: Mapping[str, Joined], *, start_us: int) -> dict[str, SimulatedReader]:
    assigned = {name: [case for _, case in reader.readings] for name, reader in joined.items()}
    protocol = bundle.protocol
    panel = simulate_readers(
        bundle.rubric(),
        list(bundle.cases),
        n_readers=len(assigned),
        cases_per_reader=protocol.allocation.cases_per_reader or len(bundle.cases),
        seed=protocol.seed,
        start_us=start_us,
        assigned=assigned,
    )
    return {reader.reader: reader for reader in panel}


def _play_whole(session: Session, bundle: Bundle, joined: Joined, reader: SimulatedReader) -> None:
    _play(session, bundle, joined, reader.readings)
    if reader.withdrew_at_us is not None:
        found = studies.by_name(session, bundle.protocol.id)
        row = enrolment.reader_of(session, found.id, joined.respondent_id)
        enrolment.withdraw(
            session, row, reason="No time for the other cases", actor_id=joined.account_id, at_us=reader.withdrew_at_us
        )


def _play(session: Session, bundle: Bundle, joined: Joined, simulated: Sequence[SimulatedReading]) -> None:
    """Begin, save, submit or let time run out, each at its time."""
    for (reading_id, case_id), reading in zip(joined.readings, simulated, strict=False):
        if reading.opened_at_us is None:
            continue
        _begin(session, bundle, joined, reading_id, case_id, at_us=reading.opened_at_us)
        ends_us = reading.opened_at_us + reading.seconds * SECOND_US
        submits = reading.ending in (Ending.SUBMITTED, Ending.NOTHING_TO_RECOMMEND)
        revision = 0
        for saved in reading.saves[:-1] if submits else reading.saves:
            at_us = reading.opened_at_us + saved.after_s * SECOND_US
            _save(session, joined, reading_id, Draft(saved.selected), revision, at_us=at_us)
            revision += 1
        if submits:
            draft = Draft(
                reading.selected,
                confidence=reading.confidence,
                resources=frozenset({"reference" if reading.position % 3 == 0 else "none"}),
                nothing_to_recommend=reading.nothing_to_recommend,
            )
            readings.submit(
                session,
                reading_id,
                joined.account_id,
                key=f"submit-{revision}",
                base_revision=revision,
                draft=draft,
                at_us=ends_us,
            )
        else:
            _leave(session, bundle, joined, reading_id, reading, at_us=ends_us)


def _begin(session: Session, bundle: Bundle, joined: Joined, reading_id: UUID, case_id: CaseId, *, at_us: int) -> None:
    readings.begin(
        session,
        reading_id,
        joined.account_id,
        protocol=bundle.protocol,
        stage=bundle.protocol.arms[0].stages[0],
        case=bundle.cases[case_id],
        at_us=at_us,
    )


def _save(session: Session, joined: Joined, reading_id: UUID, draft: Draft, revision: int, *, at_us: int) -> None:
    readings.save(
        session,
        readings.of_reader(session, reading_id, joined.account_id, for_update=True),
        key=f"save-{revision}",
        base_revision=revision,
        draft=draft,
        offsets_ms={},
        at_us=at_us,
    )


def _leave(
    session: Session, bundle: Bundle, joined: Joined, reading_id: UUID, reading: SimulatedReading, *, at_us: int
) -> None:
    """Not submitted: set aside after an incident, or closed when its time was over."""
    found = studies.by_name(session, bundle.protocol.id)
    if reading.void is not None:
        conduct.set_aside(session, found.id, reading_id, reason=reading.void, actor_id=joined.account_id, at_us=at_us)
    grace_us = (bundle.protocol.arms[0].stages[0].grace_s + 1) * SECOND_US
    limit_us = (bundle.protocol.arms[0].stages[0].limit_s or 0) * SECOND_US
    over = (reading.opened_at_us or 0) + limit_us + grace_us
    readings.close_due(session, found.id, reading_id, by=ClosedBy.SWEEP, at_us=over)


def _under_way(session: Session, bundle: Bundle, joined: Joined, *, at_us: int) -> None:
    """Somebody is answering at this moment, and met a problem."""
    reading_id, case_id = joined.readings[3]
    _begin(session, bundle, joined, reading_id, case_id, at_us=at_us)
    first = sorted(bundle.cases[case_id].option_ids)[0]
    _save(session, joined, reading_id, Draft(frozenset({first})), 0, at_us=at_us + 30 * SECOND_US)
    found = readings.of_reader(session, reading_id, joined.account_id)
    words = "The question asks about a second visit, but the text describes only one."
    conduct.report_problem(session, found, words, at_us=at_us + 60 * SECOND_US)


def _policies(session: Session, bundle: Bundle, *, at_us: int) -> None:
    """What anybody could do without reading a case, beside everyone."""
    rubric = bundle.rubric()
    answers = [*do_nothing(rubric), *select_all(rubric)]
    systems.import_answers(
        session,
        studies.by_name(session, bundle.protocol.id),
        answers,
        list(bundle.cases),
        file_name="policies.jsonl",
        file_bytes=write_answers(answers),
        format="canonical",
        actor_id=None,
        at_us=at_us,
    )


def _spelled(name: str) -> str:
    return name.lower().replace(" ", ".")


def ask_for_analysis(session: Session, bundle: Bundle, *, at_us: int) -> None:
    protocol = bundle.protocol
    jobs.queue(
        session,
        studies.by_name(session, protocol.id),
        seed=protocol.seed,
        profile=protocol.scoring.profile,
        consensus=protocol.scoring.consensus,
        asked_by=None,
        at_us=at_us,
    )


def check_analysed(session: Session) -> None:
    """Raises StudyError with the reason of the worker where the analysis failed."""
    (job,) = jobs.of_study(session, studies.by_name(session, LOCKED).id)
    if job.state is not JobState.DONE:
        raise StudyError(f"The demonstration could not be analysed: {job.failure or job.state}")


def invite_visitor(session: Session, token: str, *, at_us: int) -> None:
    """A fresh invitation to the open study: to the visitor who has not joined yet, or else to a next one."""
    found = studies.by_name(session, OPEN)
    protocol = parse_content(studies.files(session, found.id))[0]
    for number in count(1):
        invitee = Invitee(f"visitor-{number}@clinic.example", "", {"site": SITES[0]})
        reader = enrolment.invite(session, found, invitee, arm=protocol.arms[0], actor_id=None, at_us=at_us)
        if reader.joined_at_us is None and reader.withdrawn_at_us is None:
            return enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=30 * DAY_US)
    raise AssertionError("unreachable: there is always a next number")


def let_set_password(session: Session, email: str, token: str, *, at_us: int) -> None:
    account = accounts.by_email(session, email)
    if account is None:
        raise StudyError("The demonstration has lost its staff: give another --dir, or delete its folder.")
    accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=3 * DAY_US)
