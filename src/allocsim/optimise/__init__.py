"""Curves and rules become a plan that is certified, explained and whole to the unit."""
