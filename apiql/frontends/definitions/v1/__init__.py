"""The models of the first generation: privates, apis, flows, schedules."""
