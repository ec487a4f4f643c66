"""`python -m repalign.compare ...` is `repalign compare ...`."""

import sys

from repalign.commands.main import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
