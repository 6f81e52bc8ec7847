"""Refuse large files before they are committed: 1 MiB, for bundled weights 15 MB a file."""

import sys
from pathlib import Path

LIMIT = 1024 * 1024
WEIGHTS_LIMIT = 15 * 1000 * 1000
WEIGHTS = (Path("src/synthmed/models/weights"), Path("src/synthmed/measures/weights"))


def main(names: list[str]) -> int:
    """Print the files that are too large; 1 if there is any, else 0."""
    too_large = 0
    for path in map(Path, names):
        limit = WEIGHTS_LIMIT if any(map(path.is_relative_to, WEIGHTS)) else LIMIT
        if path.is_file() and (size := path.stat().st_size) > limit:
            print(f"{path}: {size:,} bytes, at most {limit:,} are allowed")
            too_large = 1
    return too_large


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
