"""What gunicorn and the `flask` command run."""

import sys

from guidance.app import create_app
from guidance.config import SettingsError

try:
    app = create_app()
except SettingsError as wrong:
    sys.exit(f"The site cannot start: {wrong}")
