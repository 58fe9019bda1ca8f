"""``python -m sms_core.cli`` is ``sms``."""

from sms_core.cli import main

if __name__ == "__main__":
    main()
