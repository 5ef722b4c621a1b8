"""python -m model.evaluate."""

import sys

from model.evaluate.command import main

if __name__ == "__main__":
    sys.exit(main())
