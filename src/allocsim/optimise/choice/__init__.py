"""Holes, counts and S-curves: lines choose among spans, and a tree proves the choice."""
