"""Rulebooks are data: grade bands with their sources."""
