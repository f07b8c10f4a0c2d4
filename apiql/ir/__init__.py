"""The IR in the middle: values, plans, policies. Frozen data, no I/O."""
