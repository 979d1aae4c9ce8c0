"""Bounds and sums over concave curves: prices, linear programs, whole steps, ties."""
