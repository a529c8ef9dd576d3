"""Estimators: arrays in, frozen estimates out. They load numpy and `scipy.special`, and know no study."""
