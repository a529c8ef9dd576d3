"""Refusals, in the study's words. Every sentence here may be shown to whoever asked."""

from dataclasses import dataclass


class StudyError(Exception):
    """Something was asked that the study's rules do not allow."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with one place of an input: `file:line` or `file:key.path`, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Faulty(StudyError):
    """An input that is refused whole, with every fault that was found in it."""

    def __init__(self, faults: "list[Fault] | tuple[Fault, ...]") -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
