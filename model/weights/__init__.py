"""The tiny CLIP and the tiny language model that ship for demonstration."""
