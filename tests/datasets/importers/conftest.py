import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for made_sources, in spawned workers too
