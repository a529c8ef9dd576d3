"""One spelling for each stratum: what differs only by case or blanks from what the roster has is written like that."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from study.store.enrolment import Invitee


def squeezed(text: str) -> str:
    return " ".join(text.split())


def folded(text: str) -> str:
    """What two spellings of one word have in common."""
    return squeezed(text).casefold()


class Spellings:
    """The names and values of strata that are in use, each as it was written first."""

    def __init__(self, known: Iterable[Mapping[str, str]]) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[tuple[str, str], str] = {}
        for strata in known:
            self.spelled(strata)

    def spelled(self, strata: Mapping[str, str]) -> dict[str, str]:
        """The same strata as they were written before; what is new is in use from here on."""
        return {
            self._names.setdefault(folded(name), squeezed(name)): self._values.setdefault(
                (folded(name), folded(value)), squeezed(value)
            )
            for name, value in strata.items()
        }

    def in_use(self) -> dict[str, list[str]]:
        """Every value by the name of its stratum, sorted."""
        found: dict[str, list[str]] = {name: [] for _folded, name in sorted(self._names.items())}
        for (name, _folded), value in sorted(self._values.items()):
            found[self._names[name]].append(value)
        return found


def spelled_alike(
    people: Iterable[tuple[int, Invitee]], spellings: Spellings
) -> tuple[list[tuple[int, Invitee]], tuple[str, ...]]:
    """The people with their strata as they were written before, and what was written anew for that."""
    alike, changed = [], set()
    for line, person in people:
        typed = {squeezed(name): squeezed(value) for name, value in (person.strata or {}).items()}
        strata = spellings.spelled(typed)
        changed |= {f"{name}: {value}" for name, value in strata.items() if typed.get(name) != value}
        alike.append((line, replace(person, strata=strata)))
    return alike, tuple(sorted(changed))
