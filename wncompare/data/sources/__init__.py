"""Where data come from: a file a source, each a function that the catalog names."""
