"""`python -m alpha_lightning`."""

import sys

from alpha_lightning.cli import main

if __name__ == "__main__":
    sys.exit(main())
