"""Crates of others, read as far as they say: what engines write in the profiles of Workflow Run RO-Crate.

`runs` finds the runs that a crate is about, `layout` their steps, `values` what flowed, `flow` from
where to where, `things` whatever else is told; `build` makes rows of it all.
"""
