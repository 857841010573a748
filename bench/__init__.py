"""What the project measures itself by: `./run bench [NAME] [--json]`. Every figure says its bar."""
