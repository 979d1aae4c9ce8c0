"""Frozen nouns: what every room speaks of. Imports nothing of the house but itself and errors."""
