"""The principal investigator: enrolment and conduct, never what was chosen."""
