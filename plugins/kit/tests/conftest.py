"""What the kit's own tests stand on: helpers of the repository, wherever the tests are started."""

from __future__ import annotations

import sys
from pathlib import Path

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[3]))
