"""Who and what we know: staff, roles and rights, skills, devices, queues, lists, thresholds."""
