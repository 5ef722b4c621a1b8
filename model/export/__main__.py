"""python -m model.export."""

import sys

from model.export.command import main

if __name__ == "__main__":
    sys.exit(main())
