"""Certificates: in floats with a margin, and in exact arithmetic."""
