"""The models of the second generation: httpapis, flows, schedules, rights, main.json."""
