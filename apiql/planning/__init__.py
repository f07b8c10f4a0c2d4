"""Plan to Plan: rewriting and limits, before anything is called."""
