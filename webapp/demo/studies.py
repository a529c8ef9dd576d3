"""The two studies of the demonstration, made through the same doors as any other study.

*demo* is open, with a few invented physicians on its roster. *demo-locked* has the same cases, a panel of simulated
physicians, and a lock. Nobody in here exists.
"""

import tomllib
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import tomli_w
from sqlmodel import Session

import study
from study.bundle import Bundle, parse_bundle, read_folder
from study.bundle_content import parse_content
from study.db import Database
from study.draft import Draft
from study.errors import StudyError
from study.formats.canonical import write_answers
from study.policies import do_nothing, select_all
from study.store import accounts, conduct, enrolment, jobs, readings, systems
from study.store import studies as store
from study.store.enrolment import Invitee
from study.store.loading import load_bundle, system_files
from study.tables import JobState, Role, StudyState
from study.timing import SECOND_US
from webapp.commands.output import Advance
from webapp.demo import players

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
                lambda session, invitee=invitee, at_us=at_us: players.join(
                    session, bundle, invitee, password_hash, at_us=at_us
                )
            )
        else:
            database.write(
                lambda session, invitee=invitee, at_us=at_us: players.invite(session, bundle, invitee, at_us=at_us)
            )
    panel = players.panel(bundle, joined, start_us=began)
    for done, name in enumerate(active):
        advance("physicians of the open study", done, len(active))
        wanted = panel[name].readings[: NAMES[name]]
        database.write(lambda session, name=name, wanted=wanted: players.play(session, bundle, joined[name], wanted))
    database.write(lambda session: _under_way(session, bundle, joined[active[3]], at_us=now_us - 90 * SECOND_US))


def make_locked(database: Database, bundle: Bundle, *, now_us: int, password_hash: str, advance: Advance) -> None:
    """The panel that has read, the systems, the reference policies, and the lock."""
    began = now_us - (PANEL + 3) * DAY_US
    database.write(lambda session: _opened(session, bundle, loaded_us=began - 2 * DAY_US, at_us=began - DAY_US))
    joined = {}
    for number in range(1, PANEL + 1):
        invitee = Invitee(f"reader-{number:02d}@panel.example", "", {"site": SITES[number % len(SITES)]})
        joined[f"reader-{number:02d}"] = database.write(
            lambda session, invitee=invitee: players.join(
                session, bundle, invitee, password_hash, at_us=began - DAY_US // 2
            )
        )
    for done, (name, reader) in enumerate(players.panel(bundle, joined, start_us=began).items()):
        advance("simulated physicians", done, PANEL)
        database.write(
            lambda session, name=name, reader=reader: players.play_whole(session, bundle, joined[name], reader)
        )
    database.write(lambda session: _policies(session, bundle, at_us=now_us - DAY_US))
    database.write(
        lambda session: store.change_state(
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
    store.change_state(session, name, StudyState.OPEN, protocol=protocol, actor_id=None, at_us=at_us)


def _under_way(session: Session, bundle: Bundle, joined: players.Joined, *, at_us: int) -> None:
    """Somebody is answering at this moment, and met a problem."""
    reading_id, case_id = joined.readings[3]
    players.begin(session, bundle, joined, reading_id, case_id, at_us=at_us)
    first = sorted(bundle.cases[case_id].option_ids)[0]
    players.save(session, joined, reading_id, Draft(frozenset({first})), 0, at_us=at_us + 30 * SECOND_US)
    found = readings.of_reader(session, reading_id, joined.account_id)
    words = "The question asks about a second visit, but the text describes only one."
    conduct.report_problem(session, found, words, at_us=at_us + 60 * SECOND_US)


def _policies(session: Session, bundle: Bundle, *, at_us: int) -> None:
    """What anybody could do without reading a case, beside everyone."""
    rubric = bundle.rubric()
    answers = [*do_nothing(rubric), *select_all(rubric)]
    systems.import_answers(
        session,
        store.by_name(session, bundle.protocol.id),
        answers,
        list(bundle.cases),
        arms=[arm.id for arm in bundle.protocol.arms],
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
        store.by_name(session, protocol.id),
        seed=protocol.seed,
        profile=protocol.scoring.profile,
        consensus=protocol.scoring.consensus,
        asked_by=None,
        at_us=at_us,
    )


def check_analysed(session: Session) -> None:
    """Raises StudyError with the reason of the worker where the analysis failed."""
    (job,) = jobs.of_study(session, store.by_name(session, LOCKED).id)
    if job.state is not JobState.DONE:
        raise StudyError(f"The demonstration could not be analysed: {job.failure or job.state}")


def invite_visitor(session: Session, token: str, *, at_us: int) -> None:
    """A fresh invitation to the open study: to the visitor who has not joined yet, or else to a next one."""
    found = store.by_name(session, OPEN)
    protocol = parse_content(store.files(session, found.id))[0]
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
