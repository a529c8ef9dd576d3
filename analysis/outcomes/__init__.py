"""A study laid out as arrays, and everything that is found in it, unrounded."""
