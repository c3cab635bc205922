"""`python -m recrate` is the `recrate` command."""

import sys

from .cli.main import main

sys.exit(main())
