"""The mistakes that tests have to notice are still mistakes; `make mutants` makes them all."""

from __future__ import annotations

import pytest

import mutants
from mutations import MUTATIONS, Mutation
from workspace import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_fits_the_source(mutation: Mutation) -> None:
    source = (ROOT / mutation.path).read_text("utf-8")
    changed = mutation.apply(source)
    assert changed != source
    compile(changed, mutation.path, "exec")
    assert all((ROOT / path).is_file() for path in mutation.tests)


def test_names_are_told_apart() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    with pytest.raises(LookupError):
        mutants.find("nothing")


def test_one_that_does_not_fit_is_an_error() -> None:
    mutation = Mutation("name", "packages/x/src/tornado/y.py", "a", "b", ())
    assert mutation.module == "tornado.y"
    for source in ("", "aa"):
        with pytest.raises(ValueError, match="bring tools/mutations.py up to date"):
            mutation.apply(source)


def test_a_mistake_is_noticed() -> None:
    (test,) = [path for path in MUTATIONS[0].tests if path.endswith("_frames.py")]
    mutation = mutants.find("reserved bits are 0")
    done = mutants.run_tests([test], mutation)
    assert done.returncode == 1, done.stdout
    assert "FAILED" in done.stdout
