"""`python -m repalign.layers ...` is `repalign layers ...`."""

import sys

from repalign.commands.main import main

if __name__ == "__main__":
    sys.exit(main(["layers", *sys.argv[1:]]))
