"""Pots that a formula splits: planned as one line, split in whole steps."""
