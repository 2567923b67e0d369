"""``python -m demos.walkthrough``."""

from demos.walkthrough.app import main

main()
