"""The command ``python -m allocsim.synthetic DIR``: make the tables of the default scenario again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from allocsim.synthetic.world import municipality
from allocsim.synthetic.write import write


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables into the folder named and print their paths."""
    parser = argparse.ArgumentParser(prog="python -m allocsim.synthetic", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to write; made if absent")
    parser.add_argument("--seed", type=int, default=2027, help="seed of every draw (default 2027)")
    options = parser.parse_args(arguments)
    for path in write(municipality(options.seed), options.folder):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
