"""What people look at: runs as pages. Rows of the store become data to show (pure functions), and
these become HTML by templates that escape whatever they are given.

All of it is bounded: a run of 100,000 jobs gives a page of about the size of one of 1,000.
"""
