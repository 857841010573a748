"""Simulated customers and telephones: real SIP by SIPp, for the demo, the tests and the benches."""
