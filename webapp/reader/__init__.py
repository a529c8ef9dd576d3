"""The physician: a place in a study, readings against the clock, receipts."""
