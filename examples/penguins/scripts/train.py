"""Train one model:  train.py CONFIGURATION TABLE

Writes `model.json`.
"""

from __future__ import annotations

import sys

from models import fit, to_json
from tables import read_examples, read_json, write_json


def main(configuration: str, table: str) -> None:
    """Train the model that a configuration file describes on a table."""
    write_json("model.json", to_json(fit(read_json(configuration), read_examples(table))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
