"""Who calls: customers, their numbers, what is known of them and who looked at it."""
