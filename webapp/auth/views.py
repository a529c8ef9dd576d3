"""Sign in, sign out, set a password by a one-time link, join a study by an invitation."""

import secrets
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.store import accounts, enrolment, throttle
from study.tables import AccountRow, TicketPurpose
from study.timing import SECOND_US
from webapp import deps, errors, passwords
from webapp.auth.forms import JoinForm, JoinKnownForm, NewPasswordForm, SignInForm

bp = Blueprint("auth", __name__)
log = structlog.get_logger()

HOUR_US = 3600 * SECOND_US
TRIES_AN_ACCOUNT, TRIES_AN_ADDRESS = 10, 60
WINDOW_US = HOUR_US // 4


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    form = SignInForm(data={"after": request.args.get("after", "")} if request.method == "GET" else None)
    if not form.validate_on_submit():
        return render_template("auth/sign_in.html", form=form), 422 if form.errors else 200
    if _too_many_tries(form.email.data):
        return errors.page(429, "There were too many tries to sign in. Wait a quarter of an hour, then try again.")
    with deps.database().read() as found:
        account = _account(found, form.email.data)
    fits = passwords.fits(form.password.data, None if account is None else account.password_hash)
    if account is not None and fits and account.disabled_at_us is None:
        try:
            return _signed_in(account, _own_path(form.after.data))
        except accounts.Refused:
            log.info("sign-in overtaken", account=str(account.id))
    _note_failure(account)
    form.password.errors = ["E-mail and password do not fit together. Both are checked as you typed them."]
    return render_template("auth/sign_in.html", form=form), 422


@bp.post("/sign-out")
def sign_out() -> Response:
    token = session.pop(deps.LOGIN, None)
    if isinstance(token, str):
        at_us = deps.now_us()
        deps.database().write(lambda found: accounts.end_login(found, token, at_us=at_us))
    session.clear()
    response = make_response(redirect(url_for("auth.sign_in"), code=303))
    # Not "storage": what a device keeps there is sealed, and may be all that there is of another tab's answers, or of
    # another reader's. The key comes with their own pages only.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.route("/set-password/<token>", methods=["GET", "POST"])
def set_password(token: str) -> ResponseReturnValue:
    """A GET shows the form and uses nothing up: mail scanners open links too."""
    with deps.database().read() as found:
        ticket = accounts.usable_ticket(found, token, TicketPurpose.PASSWORD, at_us=deps.now_us())
        email = accounts.by_id(found, ticket.account_id).email
    form = NewPasswordForm(email=email)
    if not form.validate_on_submit():
        offered = passwords.passphrase()
        page = render_template("auth/set_password.html", form=form, email=email, offered=offered)
        return page, 422 if form.errors else 200
    made, at_us = passwords.hashed(form.password.data), deps.now_us()

    def work(found: Session) -> AccountRow:
        ticket = accounts.usable_ticket(found, token, TicketPurpose.PASSWORD, at_us=at_us)
        accounts.use_ticket(found, ticket, at_us=at_us)
        account = accounts.by_id(found, ticket.account_id)
        accounts.set_password(found, account, made, at_us=at_us)
        return account

    return _signed_in(deps.database().write(work), _own_path(request.args.get("after")))


@bp.route("/join/<token>", methods=["GET", "POST"])
def join(token: str) -> ResponseReturnValue:
    """What the study asks, the consent, and a password. A GET never uses the link up."""
    at_us = deps.now_us()
    with deps.database().read() as found:
        reader, study = enrolment.invited_by(found, token, at_us=at_us)
        known = _account(found, reader.email)
    content = deps.content(study.id, study.bundle_digest)
    has_account = known is not None and known.password_hash is not None
    form = JoinKnownForm() if has_account else JoinForm(email=reader.email)
    agreed_to_this = _shown(form) == (content.bundle_digest, content.consent_sha256)
    if agreed_to_this and form.validate_on_submit():
        if not has_account:
            return _join(token, content, passwords.hashed(form.password.data))
        if _too_many_tries(reader.email):
            return errors.page(429, "There were too many tries. Wait a quarter of an hour, then try again.")
        if passwords.fits(form.password.data, known.password_hash):
            return _join(token, content, None)
        _note_failure(known)
        form.password.errors = ["That is not the password of this account."]
    asked_again = form.is_submitted() and not agreed_to_this
    if asked_again:
        form.agreed.data = False
    form.bundle_digest.data, form.consent_sha256.data = content.bundle_digest, content.consent_sha256
    page = render_template(
        "auth/join.html",
        form=form,
        reader=reader,
        study=study,
        content=content,
        stage=content.stage(reader.arm),
        has_account=has_account,
        offered=passwords.passphrase(),
        asked_again=asked_again,
    )
    return page, 409 if asked_again else 422 if form.errors else 200


def _shown(form: JoinForm | JoinKnownForm) -> tuple[str, str]:
    """The digests of the files and of the consent that the page showed which was sent back."""
    return form.bundle_digest.data or "", form.consent_sha256.data or ""


def _join(token: str, content: deps.Content, password_hash: str | None) -> Response:
    at_us = deps.now_us()
    account = deps.database().write(
        lambda found: enrolment.join(
            found,
            token,
            protocol=content.protocol,
            cases=list(content.cases),
            bundle_digest=content.bundle_digest,
            consent_sha256=content.consent_sha256,
            password_hash=password_hash,
            at_us=at_us,
        )
    )
    return _signed_in(account)


def _account(found: Session, email: str) -> AccountRow | None:
    try:
        return accounts.by_email(found, accounts.normal(email))
    except accounts.Refused:
        return None


def _signed_in(account: AccountRow, after: str | None = None) -> Response:
    """A fresh token at every sign-in, so that nobody's earlier cookie becomes a signed-in one."""
    token, at_us = secrets.token_urlsafe(32), deps.now_us()
    ttl_us = deps.settings().login_hours * HOUR_US
    deps.database().write(lambda found: accounts.start_login(found, account, token, at_us=at_us, ttl_us=ttl_us))
    session.clear()
    session[deps.LOGIN] = token
    session.permanent = True
    return make_response(redirect(after or url_for("front.home"), code=303))


def _note_failure(account: AccountRow | None) -> None:
    """Where there is no such account something is written too, so that the time taken tells nobody which it was."""
    at_us = deps.now_us()
    if account is None:
        log.info("sign-in failed")
        deps.database().write(
            lambda found: throttle.count_try(found, "account:unknown", at_us=at_us, window_us=WINDOW_US)
        )
        return
    log.info("sign-in failed", account=str(account.id))
    deps.database().write(lambda found: accounts.note_failed_sign_in(found, account.id, at_us=at_us))


def _too_many_tries(email: str) -> bool:
    """Counted in the database, so that the count holds over every worker and host."""
    at_us, address = deps.now_us(), request.remote_addr or "unknown"
    named = accounts.digest(email.strip().lower())

    def work(found: Session) -> bool:
        of_account = throttle.count_try(found, f"account:{named}", at_us=at_us, window_us=WINDOW_US)
        of_address = throttle.count_try(found, f"address:{address}", at_us=at_us, window_us=WINDOW_US)
        return of_account > TRIES_AN_ACCOUNT or of_address > TRIES_AN_ADDRESS

    return deps.database().write(work)


def _own_path(after: str | None) -> str | None:
    """Where to go after signing in: a path of this site, or nowhere."""
    if not after or not after.startswith("/") or after.startswith(("//", "/\\")) or not after.isprintable():
        return None
    parts = urlsplit(after)
    return None if parts.scheme or parts.netloc else after
