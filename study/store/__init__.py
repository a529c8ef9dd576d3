"""Storage: every query and every write, as functions of a session. The clock and the actor are arguments.

A function here reads and writes rows and does nothing else, because a unit of work may have to run again.
"""
