"""One Beam transform a step of a build."""
