"""Crates sent to where others find them: WorkflowHub and Zenodo."""
