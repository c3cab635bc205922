"""How reproducible a workflow, a run or a crate is, and why not: rules, and what they find."""
