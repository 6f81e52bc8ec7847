"""The invented report, importable by tests and by whoever wants to look at a page."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
