"""The parts of this site's addresses that are words of a study."""

from werkzeug.routing import BaseConverter

from study.bundle_text import ID


class StudyName(BaseConverter):
    """The name of a study. What cannot be one is no address of this site, and never reaches the database."""

    regex = ID.pattern
