"""`python -m vsmartcard`."""

import sys

from vsmartcard.commands.main import main

sys.exit(main())
