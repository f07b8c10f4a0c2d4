"""The tests. Golden cases in cases/ are the language's reference; harness/ is what runs them."""
