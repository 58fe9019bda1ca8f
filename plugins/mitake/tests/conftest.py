"""What the tests of this vendor share: the repository's own test servers."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest's importlib mode leaves the path alone. At the end, so that nothing installed is hidden.
sys.path.append(str(Path(__file__).parents[3]))
