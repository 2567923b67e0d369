"""``python -m demos.showcase``."""

from demos.showcase.app import main

main()
