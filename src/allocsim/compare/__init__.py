"""Paired outcomes become a recommendation that may be to hold."""
