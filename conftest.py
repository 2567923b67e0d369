"""Settings for every test of the repository, those of the distributions on their own included."""

from __future__ import annotations

from hypothesis import settings

# A busy machine stretches single examples; only their number is bounded.
settings.register_profile("tornado", deadline=None, print_blob=True)
settings.load_profile("tornado")
