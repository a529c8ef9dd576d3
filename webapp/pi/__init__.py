"""The principal investigator: enrolment and conduct, blinded to outcomes."""
