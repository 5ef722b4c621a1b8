"""What a build did, as one page to look at."""
