"""Adjustment policies: what to do in mid-year, one file a family."""
