"""Scores become benefit curves that know how much evidence is behind them."""
