"""The parts of `findalike.data.propose`: where in a photo a thing might be."""
