"""Fuzz the parsers for a while, guided by what of the code their input reaches (needs atheris).

    PYTHONPATH=tests python -m fuzz [--seconds 60] [TARGET ...]

What is found is kept in ``build/fuzz``, as is the corpus, from which the next run goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parent.parent.parent / "build" / "fuzz"
LONGEST = 2048  # bytes of an input


def run_target(name: str, seconds: int) -> None:
    """Run one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["tornado"]):
        from fuzz import targets
    corpus, found = BUILD / "corpus" / name, BUILD / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(seed)
    words = BUILD / "words"
    words.write_text("".join([f'"{escaped(word)}"\n' for word in targets.WORDS]))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={words}",
        f"-artifact_prefix={found}/{name}-",
        "-timeout=10",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], targets.TARGETS[name])
    atheris.Fuzz()


def escaped(word: bytes) -> str:
    """Write a word as a dictionary of libFuzzer has it."""
    return "".join(chr(c) if chr(c).isalnum() else f"\\x{c:02x}" for c in word)


def main() -> int:
    """Run targets one after another, each in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        import atheris  # noqa: F401 - whether it's there
    except ImportError as error:
        print(
            f"atheris can't be imported ({error}): it has wheels for CPython 3.11 to 3.13 on Linux "
            f"only, and this is {sys.implementation.name} {sys.version.split()[0]} on "
            f"{sys.platform}",
            file=sys.stderr,
        )
        return 2
    if options.in_process:
        run_target(options.targets[0], options.seconds)
        return 0
    from fuzz import targets

    unknown = set(options.targets) - set(targets.TARGETS)
    if unknown:
        parser.error(
            f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(targets.TARGETS)}"
        )
    failed = []
    for name in options.targets or targets.TARGETS:
        print(f"fuzz: {name}, {options.seconds} s", flush=True)
        command = [sys.executable, "-m", "fuzz", "--in-process", f"--seconds={options.seconds}"]
        if subprocess.run([*command, name]).returncode:
            failed.append(name)
    if failed:
        print(f"fuzz: failed: {', '.join(failed)}; see {BUILD / 'found'}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
