"""How far each system stands from the physicians, case by case, with intervals that hold for new physicians and cases.

Estimators take arrays and give back a frozen `Estimate`; one bridge, `analysis.frame`, turns a study into arrays.
Importing this package loads nothing heavy: what draws or counts agreement is imported where it is used.
"""
