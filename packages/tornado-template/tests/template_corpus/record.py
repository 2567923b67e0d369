"""Ask an implementation for the results of the corpus, and store them.

    python record.py /path/to/python

The argument is an interpreter whose `tornado` is the one to ask: that of version 6.6.1 made what is
stored.
"""

import json
import subprocess
import sys
from pathlib import Path

from cases import cases

HERE = Path(__file__).parent
STORED = HERE / "corpus.json"


def main() -> None:
    asked = cases()
    done = subprocess.run(
        [sys.argv[1], str(HERE / "render.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    # One line for each case, so that changes can be read.
    lines = [
        json.dumps({**case, "result": result}) for case, result in zip(asked, results, strict=True)
    ]
    STORED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{len(lines)} cases are in {STORED}")


if __name__ == "__main__":
    main()
