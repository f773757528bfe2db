"""As `campaign`."""

import sys

from conformance.fuzz.campaign import main

sys.exit(main())
