"""Asterisk: what calls, agents and queues are doing, and what we tell Asterisk to do."""
