"""Who asks, and what they may: identities and rights. Knows no web framework and no query text."""
