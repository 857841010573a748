"""Words that the whole house shares: facts, identifiers, time, errors, masking. No I/O."""
