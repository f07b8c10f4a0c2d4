"""What the tests are made with: golden cases in Markdown, scripted upstreams, virtual time."""
