"""Where state outlives a request, behind one interface. Knows nothing of calls or queries."""
