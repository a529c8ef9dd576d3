"""The demonstration's study with one case of as many options as the real ones have, about forty-two."""

import re

from _readers import demo_files
from case_page import OPTIONS, case_toml

from study.bundle_content import parse_content
from study.case import Option, OptionId


def study_files() -> dict[str, bytes]:
    files = demo_files()
    _, cases, _ = parse_content(files)
    pattern = max(cases.values(), key=lambda case: len(case.options))
    options = [
        Option(OptionId(f"o{number}"), source.text, source.category)
        for number in range(OPTIONS)
        for source in [pattern.options[number % len(pattern.options)]]
    ]
    others = {path: body for path, body in files.items() if not path.startswith("cases/")}
    toml = re.sub(r"cases_per_reader = \d+", "cases_per_reader = 1", others["study.toml"].decode())
    return others | {"study.toml": toml.encode(), "cases/long-01.toml": case_toml("long-01", pattern, options)}
