"""``python -m allocsim`` is the same as ``allocsim``."""

from allocsim.cli import main

main()
