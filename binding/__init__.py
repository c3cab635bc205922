"""The binding file (`streamflow.yml`, version v1.0): which step runs where, and which files are there already."""
