"""`python -m verify`."""

import sys

from verify.commands.main import main

sys.exit(main())
