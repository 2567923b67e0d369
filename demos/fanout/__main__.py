"""``python -m demos.fanout``."""

from demos.fanout.app import main

main()
