"""How far each system stands from the physicians, case by case, with intervals that hold for new physicians and cases.

`inference` takes arrays and gives back frozen estimates, and is worth importing by itself; `outcomes` lays a study out
as arrays (its one bridge is `outcomes.frame`) and finds everything in it; `scores` reads tables of scores; `report`
writes down what was found. The doors are `analyse` and `compare`. Importing this package loads nothing heavy:
what draws or counts agreement is imported where it is used.
"""
