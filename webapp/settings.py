"""What an operator can set: environment variables `PRIMUM_*`, or files of the same name in a secrets folder."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that only this machine can reach: a plain cookie is safe there and nowhere else."""

SECRETS = Path(os.environ.get("PRIMUM_SECRETS_DIR", "/run/secrets"))


class Settings(BaseSettings):
    """Each field says what an operator needs to know of it."""

    model_config = SettingsConfigDict(
        env_prefix="PRIMUM_", secrets_dir=str(SECRETS) if SECRETS.is_dir() else None, extra="ignore"
    )

    database_url: str = Field(
        "sqlite:///var/primum.db",
        description="Where everything is kept: an SQLite file on a local disk, or PostgreSQL.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs the session cookie. At least 32 random characters, the same on every host."
    )
    public_url: str = Field("http://127.0.0.1:8000", description="How this site is reached; it stands in every link.")
    contact_email: str = Field("", description="Whom a reader may write to, shown on every page.")
    contact_name: str = Field("the study team", description="The name beside that address.")
    plain_cookie: bool = Field(
        False, description="Cookies without Secure, for a demonstration on loopback only. Never set it elsewhere."
    )
    proxies: int = Field(
        0, ge=0, le=5, description="How many reverse proxies stand in front; their headers count. 1 behind a TLS proxy."
    )
    smtp_host: str = Field("", description="Mail server. Empty: nothing is sent, links are printed or shown instead.")
    smtp_port: int = Field(587, description="Its port.")
    smtp_user: str = Field("", description="Its account, if it needs one.")
    smtp_password: SecretStr = Field(SecretStr(""), description="The password of that account.")
    smtp_starttls: bool = Field(True, description="Encrypt the connection to the mail server.")
    mail_from: str = Field("", description="The sender of mails. Empty: the contact address.")
    invitation_days: int = Field(30, ge=1, le=365, description="How long an invitation link stays good.")
    password_link_hours: int = Field(72, ge=1, le=720, description="How long a link to set a password stays good.")
    login_hours: int = Field(24, ge=1, le=72, description="How long a sign-in lasts at most.")
