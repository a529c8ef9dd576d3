"""Whether the web container answers. Its health route tries the database's write lock, so a full disk shows."""

import os
import sys
import urllib.request

PORT = os.environ.get("PRIMUM_PORT", "8000")

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=4) as answer:
        sys.exit(answer.status != 200)
except OSError as error:
    sys.exit(f"no answer: {error}")
