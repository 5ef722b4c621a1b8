"""The records of a corpus and their bytes on disk: the floor that every other room stands on."""
