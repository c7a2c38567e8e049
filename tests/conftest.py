"""What all tests share: no stop-watch in hypothesis, and the real frames where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make any deadline a matter of luck.
settings.register_profile("fullwell", deadline=None)
settings.load_profile("fullwell")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the real frames; a test that asks for it is skipped where they are not."""
    if not DATA.is_dir():
        pytest.skip("the real frames are not here (../shared/data beside the repository)")
    return DATA
