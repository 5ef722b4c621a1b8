"""Property tests here must not fail because a machine is busy: no deadline an example."""

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
