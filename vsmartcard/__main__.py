"""`python -m vsmartcard`."""

import sys

from vsmartcard.command_line import main

sys.exit(main())
