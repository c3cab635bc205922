"""What holds for all tests."""

from __future__ import annotations

import os

# No test may depend on what an earlier one, or the user's own work, left in the cache of documents.
os.environ["RECRATE_DOCUMENT_CACHE"] = ""
