"""What the call was about: summaries, and the work orders that grow out of them."""
