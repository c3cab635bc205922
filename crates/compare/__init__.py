"""Whether two results are the same: identical, equivalent within a tolerance, different, or missing."""
