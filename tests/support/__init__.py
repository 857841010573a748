"""Tools that several tests share; nothing here pretends to be Asterisk."""
