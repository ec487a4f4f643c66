"""`python -m repalign`."""

import sys

from repalign.commands.main import main

sys.exit(main())
