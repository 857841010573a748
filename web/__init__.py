"""HTTP and WebSocket plumbing: sessions, rights, error form, OpenAPI, live hub."""
