"""People who sign in: one-time links, signed-in browsers, and how often something may be tried."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from builders import DAY_US, NOON_US, SECOND_US, chain_faults, kinds_of, rows
from hypothesis import given
from hypothesis import strategies as st

from study.store import accounts, outbox, throttle
from study.store.accounts import Refused, normal
from study.tables import AccountRow, Role, TicketPurpose, metadata

TOKEN = "t" * 43
HOUR_US = 3600 * SECOND_US


@pytest.fixture
def account_id(database):
    made = database.write(
        lambda session: accounts.add_staff(session, "Pi@Example.org", Role.PI, actor_id=None, at_us=NOON_US).id
    )
    yield made
    assert chain_faults(database) == []


def issue(database, account_id, token=TOKEN, *, at_us=NOON_US):
    def work(session):
        account = accounts.by_id(session, account_id)
        accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=HOUR_US)

    database.write(work)


def use(database, token=TOKEN, *, made="hash", at_us=NOON_US):
    def work(session):
        ticket = accounts.usable_ticket(session, token, TicketPurpose.PASSWORD, at_us=at_us)
        accounts.use_ticket(session, ticket, at_us=at_us)
        accounts.set_password(session, accounts.by_id(session, ticket.account_id), made, at_us=at_us)

    database.write(work)


def sign_in(database, account_id, token, *, at_us=NOON_US):
    database.write(
        lambda session: accounts.start_login(
            session, accounts.by_id(session, account_id), token, at_us=at_us, ttl_us=HOUR_US
        )
    )


def who(database, token, *, at_us=NOON_US):
    with database.read() as session:
        return accounts.who(session.connection(), token, at_us=at_us)


# Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada@Example.ORG\t", "ada@example.org"),
        ("o'brien_%-1@xn--exmple-cua.org", "o'brien_%-1@xn--exmple-cua.org"),
        ("a+b@sub.example.org", "a+b@sub.example.org"),
    ],
)
def test_an_address_has_one_spelling(typed, kept):
    assert normal(typed) == kept


NO_ADDRESS = """
ada
ada@
@example.org
ada@example
a da@example.org
a@example.org,b@example.org
a@example.org;b@example.org
a,b@example.org
"a b"@example.org
a(b)@example.org
<a@example.org>
a[b]@example.org
a:b@example.org
a@b@example.org
.a@example.org
a..b@example.org
a@-example.org
=?utf-8?q?a?=@example.org
été@example.org
\u212aim@example.org
ada@exämple.org
""".splitlines()
UNWRITABLE = ["a\nb@example.org", "a\x00@example.org", "ada\ud800@example.org", "a\u00a0b@example.org"]


@pytest.mark.parametrize("typed", [*NO_ADDRESS, *UNWRITABLE, "x" * 250 + "@example.org"])
def test_what_cannot_be_an_address_is_refused(typed):
    with pytest.raises(Refused, match="not an e-mail address") as refusal:
        normal(typed)
    assert str(refusal.value).encode()


@given(
    st.text(st.sampled_from("ab.-_'=?,;:\"()<>[]@\\ \n=\u00e9"), max_size=90), st.sampled_from(["", "@", "@x.org,b"])
)
def test_whatever_is_an_address_is_one_recipient_on_its_way_out_and_in(name, rest):
    try:
        kept = normal(f"{name}{rest}@example.org")
    except Refused:
        return
    assert Address(addr_spec=kept).addr_spec == kept
    mail = EmailMessage()
    mail["To"] = kept
    for header in (mail["To"], message_from_bytes(mail.as_bytes(), policy=policy.SMTP)["To"]):
        assert [address.addr_spec for address in header.addresses] == [kept]


@given(st.text(st.characters(), max_size=12), st.text(st.characters(), max_size=12))
def test_any_address_is_refused_or_has_a_spelling_that_stays_as_it_is(name, host):
    try:
        kept = normal(f"{name}@{host}.org")
    except Refused:
        return
    assert normal(kept) == kept
    assert kept.encode()


def test_a_fresh_link_to_set_a_password_ends_the_earlier_one(database, account_id):
    issue(database, account_id, "first" * 8)
    issue(database, account_id, "second" * 8, at_us=NOON_US + 1)
    with database.read() as session:
        with pytest.raises(Refused, match="expired"):
            accounts.usable_ticket(session, "first" * 8, TicketPurpose.PASSWORD, at_us=NOON_US + 1)
        assert accounts.usable_ticket(session, "second" * 8, TicketPurpose.PASSWORD, at_us=NOON_US + 1)


# Staff ---------------------------------------------------------------------------------------------------------


def test_staff_is_added_once_and_may_get_another_role(database, account_id):
    again = database.write(
        lambda session: accounts.add_staff(session, "pi@example.org ", Role.STATISTICIAN, actor_id=None, at_us=NOON_US)
    )
    assert again.id == account_id
    assert [(row["email"], row["role"]) for row in rows(database, "account")] == [("pi@example.org", "statistician")]
    assert kinds_of(database, account_id) == ["role given", "role given"]


def test_a_reader_is_no_role_of_staff_and_staff_no_reader(database):
    with pytest.raises(Refused, match="not a role of staff"):
        database.write(
            lambda session: accounts.add_staff(session, "a@example.org", Role.READER, actor_id=None, at_us=NOON_US)
        )
    database.write(
        lambda session: session.add(AccountRow(email="r@example.org", role=Role.READER, created_at_us=NOON_US))
    )
    with pytest.raises(Refused, match="may not watch"):
        database.write(
            lambda session: accounts.add_staff(session, "r@example.org", Role.PI, actor_id=None, at_us=NOON_US)
        )


# Links ---------------------------------------------------------------------------------------------------------


def test_a_link_works_once(database, account_id):
    issue(database, account_id)
    use(database)
    with pytest.raises(Refused, match="used already"):
        use(database, made="other")
    assert [row["password_hash"] for row in rows(database, "account")] == ["hash"]


def test_of_many_who_follow_one_link_at_once_one_gets_in(database, account_id):
    issue(database, account_id)
    ready = threading.Barrier(8)

    def follow(number):
        ready.wait(30)
        try:
            use(database, made=f"hash-{number}")
        except Refused:
            return None
        return f"hash-{number}"

    with ThreadPoolExecutor(8) as pool:
        won = [made for made in pool.map(follow, range(8)) if made]
    assert [row["password_hash"] for row in rows(database, "account")] == won
    assert kinds_of(database, account_id) == ["role given", "password set"]


def test_looking_at_a_link_uses_nothing_up(database, account_id):
    issue(database, account_id)
    before = rows(database, "ticket")
    for _ in range(3):
        with database.read() as session:
            accounts.usable_ticket(session, TOKEN, TicketPurpose.PASSWORD, at_us=NOON_US)
    assert rows(database, "ticket") == before
    use(database)


@pytest.mark.parametrize(("after_us", "works"), [(HOUR_US, True), (HOUR_US + 1, False)])
def test_a_link_ends_in_its_time(database, account_id, after_us, works):
    issue(database, account_id)
    if works:
        use(database, at_us=NOON_US + after_us)
    else:
        with pytest.raises(Refused, match="expired"):
            use(database, at_us=NOON_US + after_us)


@pytest.mark.parametrize("token", ["", "T" * 43, TOKEN[:-1], hashlib.sha256(TOKEN.encode()).hexdigest()])
def test_an_unknown_link_opens_nothing_and_neither_does_a_stored_digest(database, account_id, token):
    issue(database, account_id)
    with pytest.raises(Refused, match="not known"):
        use(database, token)


def test_a_link_serves_the_purpose_that_it_was_made_for(database, account_id):
    issue(database, account_id)
    with database.read() as session, pytest.raises(Refused, match="not known"):
        accounts.usable_ticket(session, TOKEN, TicketPurpose.JOIN, at_us=NOON_US)


def test_a_new_password_ends_the_other_links_that_could_set_one(database, account_id):
    for token in ("one", "two"):
        issue(database, account_id, token)
    use(database, "two")
    with pytest.raises(Refused, match="expired"):
        use(database, "one", made="thief")


def test_tokens_are_kept_as_digests_alone(database, account_id):
    issue(database, account_id, "secret-link")
    sign_in(database, account_id, "secret-cookie")
    stored = repr([rows(database, name) for name in metadata.tables])
    assert "secret" not in stored
    for token in ("secret-link", "secret-cookie"):
        assert hashlib.sha256(token.encode()).hexdigest() in stored


# Browsers ------------------------------------------------------------------------------------------------------


def test_a_signed_in_browser_is_known_until_its_time_is_over(database, account_id):
    sign_in(database, account_id, "cookie")
    assert who(database, "cookie") == accounts.Who(account_id, "pi@example.org", Role.PI)
    assert who(database, "cookie", at_us=NOON_US + HOUR_US).id == account_id
    assert who(database, "cookie", at_us=NOON_US + HOUR_US + 1) is None
    assert who(database, "another") is None


def test_signing_out_ends_one_browser_and_a_new_password_all(database, account_id):
    for token in ("one", "two", "three"):
        sign_in(database, account_id, token)
    database.write(lambda session: accounts.end_login(session, "one", at_us=NOON_US))
    assert [who(database, token) is not None for token in ("one", "two", "three")] == [False, True, True]
    issue(database, account_id)
    use(database)
    assert rows(database, "login") == []


def test_signing_out_is_on_the_record_once(database, account_id):
    sign_in(database, account_id, "one")
    for token in ("one", "one", "never issued"):
        database.write(lambda session, token=token: accounts.end_login(session, token, at_us=NOON_US))
    assert kinds_of(database, account_id) == ["role given", "signed in", "signed out"]


def test_a_failed_sign_in_is_on_the_record_without_an_address(database, account_id):
    database.write(lambda session: accounts.note_failed_sign_in(session, account_id, at_us=NOON_US))
    assert kinds_of(database, account_id)[-1] == "sign-in failed"
    assert b"example.org" not in b"".join(row["body"] for row in rows(database, "event_payload"))


@pytest.mark.parametrize("change", [{"password_hash": "another"}, {"disabled_at_us": NOON_US}])
def test_nobody_is_signed_in_by_what_changed_after_it_was_checked(database, account_id, change):
    with database.read() as session:
        verified = accounts.by_id(session, account_id)
    account = metadata.tables["account"]
    database.write(lambda session: session.connection().execute(account.update().values(**change)))
    with pytest.raises(Refused, match="at this moment"):
        database.write(lambda session: accounts.start_login(session, verified, "cookie", at_us=NOON_US, ttl_us=HOUR_US))
    assert rows(database, "login") == []


def test_a_closed_account_is_nobody(database, account_id):
    sign_in(database, account_id, "cookie")
    account = metadata.tables["account"]
    database.write(lambda session: session.connection().execute(account.update().values(disabled_at_us=NOON_US)))
    assert who(database, "cookie") is None


def test_old_sign_ins_are_cleared_away(database, account_id):
    sign_in(database, account_id, "old")
    sign_in(database, account_id, "new", at_us=NOON_US + 2 * HOUR_US)
    assert len(rows(database, "login")) == 1


# Tries ---------------------------------------------------------------------------------------------------------


def count(database, key, *, at_us=NOON_US, window_us=HOUR_US):
    return database.write(lambda session: throttle.count_try(session, key, at_us=at_us, window_us=window_us))


def test_tries_are_counted_exactly_by_many_at_once_from_the_first_on(database):
    ready = threading.Barrier(16)

    def trying(_):
        ready.wait(30)
        return count(database, "key")

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(trying, range(16))) == list(range(1, 17))


def test_tries_are_counted_apart_by_key_and_window(database):
    start = NOON_US - NOON_US % HOUR_US
    assert [count(database, "a", at_us=start) for _ in range(3)] == [1, 2, 3]
    assert count(database, "b", at_us=start) == 1
    assert count(database, "a", at_us=start + HOUR_US - 1) == 4
    assert count(database, "a", at_us=start + HOUR_US) == 1


def test_a_short_window_does_not_forget_the_tries_of_a_long_one(database):
    start = NOON_US - NOON_US % DAY_US
    assert count(database, "long", at_us=start, window_us=DAY_US) == 1
    count(database, "short", at_us=start + DAY_US - 1, window_us=SECOND_US)
    assert count(database, "long", at_us=start + DAY_US - 1, window_us=DAY_US) == 2


def test_tries_are_forgotten_in_the_end(database):
    count(database, "old")
    count(database, "new", at_us=NOON_US + 3 * DAY_US)
    assert [row["key"] for row in rows(database, "throttle")] == ["new"]


def test_a_window_that_is_longer_than_the_memory_is_a_mistake(database):
    with pytest.raises(ValueError, match="longer than tries are remembered"):
        count(database, "key", window_us=DAY_US + 1)


# Mail ----------------------------------------------------------------------------------------------------------


def test_mail_waits_in_the_order_of_writing_and_is_one_line_of_subject(database):
    def work(session):
        for number in range(3):
            accounts.post(session, f"{number}@example.org", "An\r\nBcc: invitation", "Body", at_us=NOON_US + number)

    database.write(work)
    waiting = database.write(
        lambda session: [(mail.recipient, mail.subject) for mail in outbox.ripe(session, at_us=NOON_US + 9, most=20)]
    )
    assert waiting == [(f"{number}@example.org", "An Bcc: invitation") for number in range(3)]


def test_mail_that_its_transaction_took_back_is_never_sent(database):
    def work(session):
        accounts.post(session, "a@example.org", "s", "b", at_us=NOON_US)
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert rows(database, "outbox") == []
