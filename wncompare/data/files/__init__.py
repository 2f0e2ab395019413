"""Files of data: downloads and checksums, archives read within a bound, the decoded cache."""
