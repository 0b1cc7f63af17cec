"""What the fuzz tests share: the stages of the rooms that they shake."""

from __future__ import annotations

import sys
from pathlib import Path

# The shop, the stage and the loopback servers are those of the rooms' own tests, each in its own folder.
sys.path += [str(Path(__file__).parents[1] / room) for room in ("polling", "sources")]
