"""How the hotline is doing: live figures and alarms."""
