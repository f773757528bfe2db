"""python -m bowstring_core.cli: see `program`."""

import sys

from bowstring_core.cli.program import main

sys.exit(main())
