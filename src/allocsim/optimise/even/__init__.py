"""A cap on inequality between groups."""
