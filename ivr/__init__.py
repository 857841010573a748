"""What a caller hears and presses: flows as data, compiled to dialplan; prompts."""
