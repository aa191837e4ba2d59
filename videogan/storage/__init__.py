"""Where bytes lie: in a file, in an object of a store, or in a piece of either."""
