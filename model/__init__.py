"""Flamingo, its CLIP and its trainer: tensors live here, Beam does not."""
