"""The program as mathematics, as arrays and as text, and its hand-over to HiGHS."""
