"""``python -m demos.chat``."""

from demos.chat.app import main

main()
