"""The bare form as a site of its own, for gunicorn: one case's checkboxes, one row committed durably.

It has what `benchmarks/case_page.py` gives it and no more: no sign-in, CSRF, key, revision, lease, clock or chain.
"""

import os

import _drill  # noqa: F401  finds the benchmarks
from _long_cases import study_files
from case_page import bare_app

from study.bundle_content import parse_content
from study.db import Database

_, cases, _ = parse_content(study_files())
app = bare_app(Database(os.environ["PRIMUM_DATABASE_URL"]), list(next(iter(cases.values())).options))
