"""The web page: a small ASGI application over one store. It reads; what it changes, somebody asked for with a token."""
