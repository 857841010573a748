"""Signing in by the bank's own identity provider (OpenID Connect), as an option."""
