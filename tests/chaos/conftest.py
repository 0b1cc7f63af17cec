"""What chaos shares with the tests of the daemon: how a process of ours is started, and what its log says."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "daemon"))
