"""A worker process of the local runner: Beam's harness, of which only what is wrong is heard."""

import logging
import os
import sys

_CHATTER = (
    "No semi_persistent_directory found",  # a folder of Dataflow's containers
    "apitools not found",  # a Google client that only Beam's own Google IO needs
)


def hear_what_is_wrong() -> None:
    """Sets up the log, before Beam is imported and does."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: not str(record.msg).startswith(_CHATTER))
    logging.getLogger().addHandler(handler)


def main() -> None:
    """Works until the runner ends the connection."""
    if not logging.getLogger().handlers:  # a fork has its own already
        hear_what_is_wrong()
    # Errors of a pipeline reach the runner by themselves; logs would be told a second time.
    os.environ.pop("LOGGING_API_SERVICE_DESCRIPTOR", None)
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
