"""Places that are reached by nothing but a POSIX shell."""
