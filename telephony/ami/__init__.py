"""The only place that knows AMI or panoramisk."""
