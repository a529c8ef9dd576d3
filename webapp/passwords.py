"""Passwords: argon2id behind a gate, one rule, and a passphrase to offer."""

import os
import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 15, 256
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_GATE = BoundedSemaphore(os.cpu_count() or 1)  # a flood of sign-ins must not become a flood of memory
_NOBODY = _HASHER.hash(secrets.token_hex(16))
_CONSONANTS, _VOWELS = "bdfghklmnprstvz", "aeiou"


def refusal(password: str, email: str) -> str | None:
    """Why a password will not do, in a sentence; None: it will."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A sentence that only you would think of works well."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    lowered, name = password.lower(), email.partition("@")[0].lower()
    if len(set(lowered)) < 5 or "password123" in lowered or "12345678901" in lowered or "qwertyuiop" in lowered:
        return "This password is too easy to guess. A sentence that only you would think of works well."
    if len(name) >= 4 and name in lowered and len(password) - len(name) < 8:
        return "Your password must not be made of your own address."
    return None


def hashed(password: str) -> str:
    with _GATE:
        return _HASHER.hash(password)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one. Nobody's account takes as long as somebody's."""
    with _GATE:
        try:
            return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def passphrase() -> str:
    """A pronounceable phrase of about 62 bits to offer: five groups of two syllables."""
    bits = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(10)]
    return "-".join("".join(bits[i : i + 2]) for i in range(0, 10, 2))
