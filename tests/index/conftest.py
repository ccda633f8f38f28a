"""Lets the tests of each engine import the suite and the generators they share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
